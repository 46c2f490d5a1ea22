import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ClassicLevel } from 'classic-level';
import { beforeAll, expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let program: string;
beforeAll(async () => {
  program = await bundleForNode(new URL('leaving.program.ts', import.meta.url));
});

test.each([
  { what: 'opening', output: '', keys: 1 },
  { what: 'idle', output: '', keys: 1 },
  { what: 'iterating', output: '', keys: 1 },
  { what: 'flushing', output: 'flushed', keys: 100 },
  { what: 'exit-while-flushing', output: '', keys: 100 },
])('a process ends by itself with a database that is open: $what', async ({ what, output, keys }) => {
  const location = temporaryDirectory();
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, location, what]);
  expect({ stdout, stderr }).toEqual({ stdout: output, stderr: '' });
  const db = new ClassicLevel(location);
  expect(await db.keys().all()).toHaveLength(keys);
  await db.close();
});
