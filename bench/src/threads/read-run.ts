/** Random reads by the owner of a store or by other threads, while the owner writes and while it does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '@arena-level/common/base/prng';
import { ArrivalLoop, BatchRing, WARM_UP_BATCHES } from '../flush/arrivals.ts';
import { Dataset } from '../workloads/dataset.ts';
import { checkSamples, fillStore } from '../workloads/fill.ts';
import { BenchThread, type ThreadOwner } from './bench-thread.ts';
import { InFlight } from './in-flight.ts';
import type { ReadJob, Reads } from './jobs.ts';
import { BATCHES_IN_FLIGHT } from './producer.ts';
import { Reader } from './reader.ts';
import { shapeOf, spentOn, type ThreadsRequest, withSharedStore } from './shared-store.ts';

export interface ThreadReadsRequest extends ThreadsRequest {
  /** Threads that read; 0: the owner does, and while it writes as fast as it can nobody does. */
  readonly readers: number;
  readonly batchRecords: number;
  /** Of each stage. */
  readonly durationMs: number;
}

/**
 * `idle`: the owner writes nothing. `paced`: it writes at a fixed rate. `flat-out`: as fast as its writes are taken.
 * `crowded`: as `flat-out`, beside as many threads that compute instead of reading.
 */
export type ReadStageName = 'idle' | 'paced' | 'crowded' | 'flat-out';

export interface ReadStage {
  readonly name: ReadStageName;
  /** Of all readers together; undefined when nobody read. */
  readonly readsPerSecond: number | undefined;
  /** Overwritten meanwhile; undefined when nothing was to be. */
  readonly writesPerSecond: number | undefined;
  /** CPU of the owner's thread per record that it wrote; undefined when it was reading, too, or writing nothing. */
  readonly ownerCpuUs: number | undefined;
  /** Values that the readers have compared as a whole. */
  readonly checked: number;
}

export interface ThreadReads {
  readonly engine: string;
  readonly readers: number;
  readonly stages: readonly ReadStage[];
  /** Values that were compared in the store afterwards. */
  readonly checked: number;
}

const STAGES: readonly ReadStageName[] = ['idle', 'paced', 'crowded', 'flat-out'];

export async function runThreadReads(
  request: ThreadReadsRequest,
  program?: ThreadOwner['program'],
): Promise<ThreadReads> {
  return await withSharedStore(request, program, (owner) => readInStages(request, owner));
}

async function readInStages(request: ThreadReadsRequest, owner: ThreadOwner): Promise<ThreadReads> {
  const { engine, readers, seed, settings } = request;
  const { store } = owner;
  const data = new Dataset(shapeOf(settings));
  await fillStore({ data, store }, settings.records);
  await store.settle();
  const run = await ReadRun.start(request, owner);
  const stages: ReadStage[] = [];
  for (const name of STAGES) if (name !== 'crowded' || readers > 0) stages.push(await run.stage(name));
  await run.end();
  const checked = await checkSamples({ data, store, prng: new Prng(seed) }, settings.records, () => 0);
  return { engine, readers, stages, checked };
}

class ReadRun {
  readonly #request: ThreadReadsRequest;
  readonly #owner: ThreadOwner;
  readonly #threads: readonly BenchThread<'read'>[];
  /** The owner as a reader; undefined where threads read. */
  readonly #ownReader: Reader | undefined;
  readonly #stop: Int32Array<SharedArrayBuffer>;
  readonly #batches: BatchRing;
  #written = 0;

  private constructor(
    request: ThreadReadsRequest,
    owner: ThreadOwner,
    stop: Int32Array<SharedArrayBuffer>,
    threads: readonly BenchThread<'read'>[],
    ownReader: Reader | undefined,
  ) {
    this.#request = request;
    this.#owner = owner;
    this.#stop = stop;
    this.#threads = threads;
    this.#ownReader = ownReader;
    this.#batches = new BatchRing(request);
  }

  static async start(request: ThreadReadsRequest, owner: ThreadOwner): Promise<ReadRun> {
    const { readers, seed, settings } = request;
    const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const job = (reader: number): ReadJob => ({
      kind: 'read',
      shape: shapeOf(settings),
      records: settings.records,
      seed: seed + reader,
      stop: stop.buffer,
    });
    const threads: BenchThread<'read'>[] = [];
    for (let reader = 0; reader < readers; reader++) {
      threads.push(await BenchThread.start<'read'>(owner, job(reader)));
    }
    const { getSync } = owner.store;
    if (readers > 0 || getSync === undefined) return new ReadRun(request, owner, stop, threads, undefined);
    const ownReader = new Reader({ getSync }, job(0));
    return new ReadRun(request, owner, stop, threads, ownReader);
  }

  /** What the stages before have left to be done is done first, and caches are filled from the tables of now. */
  async stage(name: ReadStageName): Promise<ReadStage> {
    const { store } = this.#owner;
    for (let at = 0; name !== 'idle' && at < WARM_UP_BATCHES; at++) await store.batch(this.#batches.at(at));
    await store.settle();
    await Promise.all(this.#readers.map((reader) => reader.warmUp()));
    const isRead = name !== 'crowded' && (name !== 'flat-out' || this.#threads.length > 0);
    const computing = name === 'crowded' ? await this.#compute() : undefined;
    const reading = isRead ? this.#read() : undefined;
    // Looked at when the writes have ended.
    reading?.catch(() => undefined);
    const writes = await spentOn(() => this.#write(name));
    Atomics.add(this.#stop, 0, 1);
    const reads = await reading;
    await computing?.end();
    const { elapsedMs, ownerCpuMs, result: records } = writes;
    const writesOnly = records > 0 && (!isRead || this.#ownReader === undefined);
    return {
      name,
      readsPerSecond: reads?.reduce((sum, one) => sum + (one.reads * 1000) / one.elapsedMs, 0),
      writesPerSecond: name === 'idle' ? undefined : (records * 1000) / elapsedMs,
      ownerCpuUs: writesOnly ? (ownerCpuMs * 1000) / records : undefined,
      checked: reads?.reduce((sum, one) => sum + one.checked, 0) ?? 0,
    };
  }

  async end(): Promise<void> {
    for (const thread of this.#threads) await thread.end();
  }

  get #readers(): readonly { warmUp(): Promise<void> }[] {
    return this.#ownReader === undefined ? this.#threads : [this.#ownReader];
  }

  async #read(): Promise<readonly Reads[]> {
    if (this.#ownReader !== undefined) return [await this.#ownReader.run()];
    return await Promise.all(this.#threads.map((thread) => thread.go()));
  }

  /** As many threads as read, which come and go with the stage. */
  async #compute(): Promise<{ readonly end: () => Promise<void> }> {
    const job = { kind: 'compute', stop: this.#stop.buffer } as const;
    const threads = await Promise.all(
      this.#threads.map(() => BenchThread.start<'compute'>(this.#owner, job)),
    );
    const computed = Promise.all(threads.map((thread) => thread.go()));
    computed.catch(() => undefined);
    return {
      end: async () => {
        await computed;
        for (const thread of threads) await thread.end();
      },
    };
  }

  /** Until the stage is over. Says how many records were written. */
  async #write(name: ReadStageName): Promise<number> {
    const { durationMs } = this.#request;
    switch (name) {
      case 'idle':
        await sleep(durationMs);
        return 0;
      case 'paced':
        return await this.#writeAtRate();
      case 'crowded':
      case 'flat-out':
        return await this.#writeFlatOut();
    }
  }

  async #writeAtRate(): Promise<number> {
    const { batchRecords, durationMs, settings } = this.#request;
    const pace = { batchRecords, durationMs, rate: settings.writeRate };
    const loop = new ArrivalLoop(pace, this.#owner.store, this.#batches, () => undefined);
    await loop.run();
    return loop.figures().records;
  }

  async #writeFlatOut(): Promise<number> {
    const { batchRecords, durationMs } = this.#request;
    const inFlight = new InFlight(BATCHES_IN_FLIGHT);
    const endMs = performance.now() + durationMs;
    const before = this.#written;
    while (performance.now() < endMs) {
      await inFlight.add(this.#owner.store.batch(this.#batches.at(this.#written / batchRecords)));
      this.#written += batchRecords;
    }
    await inFlight.end();
    return this.#written - before;
  }
}
