/** The programs in the guide run, and print what their comments say. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const GUIDE = new URL('../../docs/guides/migrating-from-classic-level.md', import.meta.url);
/** Beside the other bundles, where packages are found. */
const PROGRAMS = fileURLToPath(new URL('../.bundles/guide/', import.meta.url));

const programs = [...readFileSync(GUIDE, 'utf8').matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code!);

const PRINTED = [
  ['BE Belgium', 'Andorra la Vella'],
  ['classic-level', 'arena-level'],
  ['false 2', 'true', 'a flush runs in the worker', '64 3', '[]'],
];

test('the guide has no other programs', () => {
  expect(programs).toHaveLength(PRINTED.length);
});

test.each(PRINTED.map((printed, index) => ({ printed, index })))(
  'program $index of the guide runs and prints what it says',
  async ({ printed, index }) => {
    mkdirSync(PROGRAMS, { recursive: true });
    const source = join(PROGRAMS, `program-${index}.ts`);
    writeFileSync(source, programs[index]!);
    const bundle = await bundleForNode(source);
    const { stdout } = await promisify(execFile)(process.execPath, [bundle], { cwd: temporaryDirectory() });
    // Events come between the other lines.
    expect(stdout.trim().split('\n').sort()).toEqual([...printed].sort());
  },
);
