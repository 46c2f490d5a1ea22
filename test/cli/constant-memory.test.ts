import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { MIB } from '@arena-level/common/base/limits';
import { expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A few times what MemDBs and the heap of a short run come to. */
const RECORDS = 26_000;
const TEXT_BYTES = 1000;
/**
 * What the threads' heaps leave to chance, and a little for every table. Holding the source, the records or the tables
 * would take 78 MB more for the longer run.
 */
const MAY_GROW_BYTES = 45 * MIB;

/** Of the heap: it grows to tens of megabytes by itself, sooner or later. */
const SMALL_NURSERY = '--max-semi-space-size=1';

/**
 * Collects garbage all the time, so that what is measured is what is held, and says on descriptor 3, when the process ends,
 * what memory it took at most. Of this program alone, unlike `resourceUsage`.
 */
const REPORT_PEAK = `data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs';
  import v8 from 'node:v8';
  import vm from 'node:vm';
  v8.setFlagsFromString('--expose-gc');
  setInterval(vm.runInNewContext('gc'), 100).unref();
  process.on('exit', () => fs.writeSync(3, /VmHWM:\\s+(\\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]));
`)}`;

const FORMATS = {
  ndjson: {
    header: '',
    record: (id: number, letters: string) => `{"id":${id},"text":"${letters}"}\n`,
  },
  csv: {
    header: 'id,text\n',
    record: (id: number, letters: string) => `${id},"${letters}"\n`,
  },
};

async function* source(format: keyof typeof FORMATS, records: number): AsyncGenerator<string> {
  const { header, record } = FORMATS[format];
  const letters = 'x'.repeat(TEXT_BYTES);
  yield header;
  for (let id = 0; id < records; id += 100) {
    let lines = '';
    for (let at = id; at < Math.min(id + 100, records); at++) lines += record(at, letters);
    yield lines;
  }
}

/** Runs the program on a stream of records and returns the most memory it had, in bytes. */
async function peakOf(program: string, format: keyof typeof FORMATS, records: number): Promise<number> {
  const ingest = ['ingest', '-', '--format', format, '--key', 'id', '--write-buffer', '4', '--json'];
  const child = spawn(
    process.execPath,
    [SMALL_NURSERY, '--import', REPORT_PEAK, program, ...ingest, '--db', temporaryDirectory()],
    { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] },
  );
  const closed = once(child, 'close');
  const peak = buffer(child.stdio[3] as Readable);
  const summary = text(child.stdout!);
  await pipeline(Readable.from(source(format, records)), child.stdin!);
  expect(await closed).toEqual([0, null]);
  expect(JSON.parse(await summary)).toMatchObject({ records, malformed: 0 });
  return Number(await peak) * 1024;
}

test.runIf(process.platform === 'linux').each(['ndjson', 'csv'] as const)(
  'an ingest of a stream of 104 MB of %s takes no more memory than of 26 MB',
  async (format) => {
    const program = await bundleForNode(new URL('../../packages/engine/src/cli/main.ts', import.meta.url));
    const short = await peakOf(program, format, RECORDS);
    const long = await peakOf(program, format, 4 * RECORDS);
    expect(long - short, `${short} and ${long} bytes`).toBeLessThan(MAY_GROW_BYTES);
  },
  LONG_TEST_MS,
);
