import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { MIB } from '@arena-level/common/base/limits';
import { expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const LINE_BYTES = 1024;
/** The heap of the main thread, which could not hold the longer file a fourth. */
const HEAP_MB = 48;
/** What heaps of threads and arenas leave to chance, 50 to 65 MiB; the longer file is 210 MiB more. */
const MAY_GROW_BYTES = 100 * MIB;

/** Says on descriptor 3, when the process ends, what memory it took at most. Of this program alone, unlike `resourceUsage`. */
const REPORT_PEAK = `data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs';
  process.on('exit', () => fs.writeSync(3, /VmHWM:\\s+(\\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]));
`)}`;

function writeFile(path: string, mebibytes: number): void {
  const block = Buffer.from(`${'x'.repeat(LINE_BYTES - 1)}\n`.repeat(MIB / LINE_BYTES));
  const file = openSync(path, 'w');
  for (let i = 0; i < mebibytes; i++) writeSync(file, block);
  closeSync(file);
}

/** Stores the lines of a file of this size in another process, and returns the most memory that had, in bytes. */
async function peakOf(program: string, mebibytes: number): Promise<number> {
  const directory = temporaryDirectory();
  const file = join(directory, 'lines.txt');
  writeFile(file, mebibytes);
  const child = spawn(
    process.execPath,
    [
      `--max-old-space-size=${HEAP_MB}`,
      '--max-semi-space-size=1',
      '--import',
      REPORT_PEAK,
      program,
      file,
      join(directory, 'store'),
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
  );
  const closed = once(child, 'close');
  const peak = buffer(child.stdio[3] as Readable);
  const records = text(child.stdout!);
  expect(await closed).toEqual([0, null]);
  expect(Number(await records)).toBe((mebibytes * MIB) / LINE_BYTES);
  return Number(await peak) * 1024;
}

test.runIf(process.platform === 'linux')(
  'a pipeline from a file of 240 MiB through a transform to a store takes no more memory than one of 30 MiB',
  async () => {
    const program = await bundleForNode(new URL('pipeline.program.ts', import.meta.url));
    const short = await peakOf(program, 30);
    const long = await peakOf(program, 240);
    expect(long - short, `${short} and ${long} bytes`).toBeLessThan(MAY_GROW_BYTES);
  },
  LONG_TEST_MS,
);
