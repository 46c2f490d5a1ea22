/**
 * How much of a flush is hidden behind the writes that go on meanwhile. The same records are put twice: once so that
 * writes and flushes never meet, which times each alone, and once as they come.
 */
import { Prng } from '@arena-level/common/base/prng';
import { open, type Store } from 'arena-level/engine';
import type { PutOperation } from '../engines/engine.ts';
import { Dataset } from '../workloads/dataset.ts';
import { checkSamples } from '../workloads/fill.ts';
import type { Settings } from '../workloads/workload.ts';

export interface OverlapRequest {
  readonly engine: OverlapEngine;
  readonly settings: Settings;
  readonly batchRecords: number;
  readonly buffers: number;
  /** Fresh directories: of the warm-up, the run as it comes, and the runs in parts before and behind it. */
  readonly locations: readonly [string, string, string, string];
}

export type OverlapEngine = 'arena' | 'arena-2' | 'arena-inline';

export interface Overlap {
  readonly engine: OverlapEngine;
  readonly workers: number;
  /** Of each buffer: putting its records while nothing is flushed, and flushing it while nothing is put. */
  readonly insertMs: readonly number[];
  readonly flushMs: readonly number[];
  /** Both as they come, until the last buffer is in a table. */
  readonly togetherMs: number;
}

/** Of a write buffer: records are put until it is nearly full, so that the rotation comes where it is asked for. */
const FILL = 0.9;
/** What a record costs in the buffer beside its key and value: sequence, type and lengths, at most. */
const RECORD_OVERHEAD = 24;
const WARM_UP_BUFFERS = 2;

const FLUSH: Readonly<
  Record<OverlapEngine, { readonly flush: 'inline' | 'worker'; readonly flushWorkers: number }>
> = {
  arena: { flush: 'worker', flushWorkers: 1 },
  'arena-2': { flush: 'worker', flushWorkers: 2 },
  'arena-inline': { flush: 'inline', flushWorkers: 1 },
};

export async function runOverlap(request: OverlapRequest): Promise<Overlap> {
  const [warmUp, together, ...apart] = request.locations;
  await withStore(request, warmUp, async (store, writer) => {
    for (let buffer = 0; buffer < WARM_UP_BUFFERS; buffer++) {
      await writer.put(store);
      await store.flush();
    }
  });
  const before = await runApart(request, apart[0]);
  const togetherMs = await runTogether(request, together);
  const behind = await runApart(request, apart[1]);
  // The machine's speed drifts: each alone is the mean of before and behind.
  const mean = (first: readonly number[], second: readonly number[]): number[] =>
    first.map((ms, at) => (ms + second[at]!) / 2);
  return {
    engine: request.engine,
    workers: FLUSH[request.engine].flushWorkers,
    insertMs: mean(before.insertMs, behind.insertMs),
    flushMs: mean(before.flushMs, behind.flushMs),
    togetherMs,
  };
}

async function runApart(
  request: OverlapRequest,
  location: string,
): Promise<Pick<Overlap, 'insertMs' | 'flushMs'>> {
  const insertMs: number[] = [];
  const flushMs: number[] = [];
  await withStore(request, location, async (store, writer) => {
    for (let buffer = 0; buffer < request.buffers; buffer++) {
      insertMs.push(await timed(() => writer.put(store)));
      flushMs.push(await timed(() => store.flush()));
    }
  });
  return { insertMs, flushMs };
}

async function runTogether(request: OverlapRequest, location: string): Promise<number> {
  let togetherMs = 0;
  await withStore(request, location, async (store, writer) => {
    togetherMs = await timed(async () => {
      for (let buffer = 0; buffer < request.buffers; buffer++) {
        await writer.put(store);
        if (buffer + 1 < request.buffers) await store.rotateMemtable();
      }
      await store.flush();
    });
    const { flushes } = store.stats();
    if (flushes.count !== request.buffers) {
      throw new Error(`${flushes.count} flushes instead of ${request.buffers}: the records do not fit`);
    }
  });
  return togetherMs;
}

async function withStore(
  request: OverlapRequest,
  location: string,
  use: (store: Store, writer: BufferWriter) => Promise<void>,
): Promise<void> {
  const store = await open(location, {
    ...FLUSH[request.engine],
    writeBufferSize: request.settings.writeBufferBytes,
    // Flushes alone: merging is measured elsewhere.
    autoCompaction: false,
  });
  const writer = new BufferWriter(request);
  await use(store, writer);
  await checkSamples({ store, data: writer.data, prng: new Prng(writer.written) }, writer.written, () => 0);
  await store.close();
}

/** Puts one write buffer's worth of records at a time. */
class BufferWriter {
  readonly data: Dataset;
  /** Records of all buffers so far. */
  written = 0;
  readonly #batch: readonly PutOperation[];
  readonly #recordsPerBuffer: number;

  constructor({ batchRecords, settings }: OverlapRequest) {
    const { compressible, keyBytes, valueBytes, writeBufferBytes } = settings;
    this.data = new Dataset({ compressible, keyBytes, valueBytes, order: 'random' });
    this.#batch = Array.from({ length: batchRecords }, () => ({
      type: 'put',
      key: this.data.newKey(),
      value: this.data.newValue(),
    }));
    const fitting = (writeBufferBytes * FILL) / (keyBytes + valueBytes + RECORD_OVERHEAD);
    this.#recordsPerBuffer = Math.max(batchRecords, Math.floor(fitting / batchRecords) * batchRecords);
  }

  async put(store: Store): Promise<void> {
    const end = this.written + this.#recordsPerBuffer;
    while (this.written < end) {
      for (const [at, { key, value }] of this.#batch.entries()) {
        this.data.writeKey(key, this.written + at);
        this.data.writeValue(value, this.written + at, 0);
      }
      await store.batch(this.#batch);
      this.written += this.#batch.length;
    }
  }
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}
