import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IndexKind } from '../arena/index-kind.ts';
import { Prng } from '../base/prng.ts';
import { createMemDb } from './create-memdb.ts';
import { activeArena, encodeRecords } from './memdb.test-support.ts';
import {
  CONTROL_WORDS,
  ControlWord,
  type ReaderReport,
  type ReaderTask,
  writeOf,
} from './memdb-threads.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 7);
const ENTRIES = 20_000;

describe.each(Object.values(IndexKind))('another thread that reads a %s MemDB', (kind) => {
  let directory: string;
  let script: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'memdb-threads-'));
    script = join(directory, 'reader.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('./memdb-reader-thread.test-support.ts', import.meta.url))],
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'warning',
    });
  });
  afterAll(() => rm(directory, { recursive: true }));

  test(`sees every entry below the count, and all in order, while the owner inserts (seed ${SEED})`, async () => {
    const prng = new Prng(SEED);
    const arena = activeArena(kind, 4 * 2 ** 20, 500, 'key:');
    const memdb = createMemDb(arena);
    memdb.publishLinksAtomically = true;
    const control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT));
    const task: ReaderTask = {
      arena: arena.shared,
      generation: arena.generation,
      control: control.buffer as SharedArrayBuffer,
      firstSequence: 501,
      seed: SEED,
    };
    const worker = new Worker(script, { workerData: task });
    const report = new Promise<ReaderReport>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the reader ended without a report')));
    });
    report.catch(() => Atomics.store(control, ControlWord.Ready, 2));
    while (Atomics.load(control, ControlWord.Ready) === 0) await setImmediate();

    for (let batch = 0; memdb.count < ENTRIES; batch++) {
      const entries = Math.min(1 + prng.below(40), ENTRIES - memdb.count);
      const first = memdb.count;
      const records = encodeRecords(Array.from({ length: entries }, (_, i) => writeOf(first + i)));
      memdb.insert(records, 0, records.length, entries, 501 + first);
      if (batch % 100 === 0) await anotherRound(control);
    }
    Atomics.store(control, ControlWord.Done, 1);
    expect(await report).toEqual({ problems: [], count: ENTRIES });
    await worker.terminate();
  });
});

/** Lets the reader check something before the next batches, however the threads are scheduled. */
async function anotherRound(control: Int32Array): Promise<void> {
  const rounds = Atomics.load(control, ControlWord.Rounds);
  while (
    Atomics.load(control, ControlWord.Rounds) === rounds &&
    Atomics.load(control, ControlWord.Ready) === 1
  ) {
    await setImmediate();
  }
}
