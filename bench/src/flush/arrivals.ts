/**
 * Batches that arrive at a fixed rate, whether the engine is ready for them or not, as requests from outside do.
 *
 * The latency of a batch counts from the moment at which it was due, so that the wait behind a held event loop is part
 * of it: no omission has to be corrected afterwards.
 */
import { performance as clock } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Latency, LatencyHistogram, SLICE_MS } from '../driver/meter.ts';
import { engineNamed } from '../engines/all-engines.ts';
import type { BenchStore, Mark, PutOperation, StoreFacts } from '../engines/engine.ts';
import { type LoopDelay, LoopDelayMonitor } from '../support/loop-delay.ts';
import { writtenBytes } from '../support/process-io.ts';
import { threadCpu } from '../support/thread-cpu.ts';
import { Dataset, WrongResult } from '../workloads/dataset.ts';
import type { Settings } from '../workloads/workload.ts';

export interface ArrivalsRequest {
  /** Undefined: the same loop without an engine. */
  readonly engine: string | undefined;
  readonly settings: Settings;
  readonly batchRecords: number;
  /** Records per second. */
  readonly rate: number;
  readonly durationMs: number;
  readonly location: string;
}

export interface Arrivals {
  readonly engine: string | undefined;
  readonly rate: number;
  readonly records: number;
  readonly elapsedMs: number;
  /** Of batches, from when they were due. */
  readonly latency: Latency;
  /** The longest of each slice, in microseconds. */
  readonly slowest: { readonly sliceMs: number; readonly maxUs: readonly number[] };
  readonly loopDelay: LoopDelay;
  readonly loopUtilization: number;
  readonly mainCpuMs: number;
  readonly processCpuMs: number;
  readonly rssBytes: number;
  readonly writtenBytes: number | undefined;
  /** Most batches that waited for their acknowledgement at a time. */
  readonly mostWaiting: number;
  readonly marks: readonly Mark[];
  readonly facts: StoreFacts;
  readonly checked: number;
}

/** An engine that is behind by so many batches gets no more at a time; those that are due wait, and it counts. */
const MAX_WAITING = 1000;
/** Put before anything is measured, and looked for after it. */
export const WARM_UP_BATCHES = 200;
const SAMPLES = 500;

export async function runArrivals(
  request: ArrivalsRequest,
  report: (progress: { readonly records: number; readonly elapsedMs: number }) => void = () => undefined,
): Promise<Arrivals> {
  const store = await openStore(request);
  const batches = new BatchRing(request);
  for (let at = 0; at < WARM_UP_BATCHES; at++) await store?.batch(batches.at(at));
  const marks: Mark[] = [];
  store?.watch?.((mark) => marks.push(mark));
  const arrivals = new ArrivalLoop(request, store, batches, report);
  const writtenBefore = writtenBytes();
  const used = await measured(() => arrivals.run());
  const written = writtenBytes();
  const checked = store === undefined ? 0 : await batches.check(store);
  const facts = store?.facts() ?? {};
  await store?.close();
  return {
    engine: request.engine,
    rate: request.rate,
    ...arrivals.figures(),
    ...used,
    rssBytes: process.memoryUsage.rss(),
    writtenBytes: written === undefined || writtenBefore === undefined ? undefined : written - writtenBefore,
    marks: marks.map((mark) => ({ ...mark, startMs: mark.startMs - arrivals.startMs })),
    facts,
    checked,
  };
}

async function openStore({ engine, location, settings }: ArrivalsRequest): Promise<BenchStore | undefined> {
  if (engine === undefined) return undefined;
  const loaded = await engineNamed(engine).load();
  if (typeof loaded === 'string') throw new Error(loaded);
  const { cacheBytes, writeBufferBytes } = settings;
  return await loaded.open({ location, cacheBytes, writeBufferBytes, sync: false });
}

async function measured(
  run: () => Promise<void>,
): Promise<Pick<Arrivals, 'loopDelay' | 'loopUtilization' | 'mainCpuMs' | 'processCpuMs'>> {
  const monitor = await LoopDelayMonitor.start();
  const cpu = threadCpu();
  const cpuBefore = cpu.read();
  const processBefore = process.cpuUsage();
  const loopBefore = clock.eventLoopUtilization();
  await run();
  const { utilization } = clock.eventLoopUtilization(loopBefore);
  const { user, system } = process.cpuUsage(processBefore);
  const mainCpuMs = (cpu.read() - cpuBefore) / 1e6;
  return {
    loopDelay: await monitor.stop(),
    loopUtilization: utilization,
    mainCpuMs,
    processCpuMs: (user + system) / 1000,
  };
}

/** Batches that come again and again, encoded once: more of them than may wait at a time. */
export class BatchRing {
  readonly #data: Dataset;
  readonly #batches: readonly (readonly PutOperation[])[];
  readonly #batchRecords: number;

  constructor({ batchRecords, settings }: Pick<ArrivalsRequest, 'batchRecords' | 'settings'>) {
    const { compressible, keyBytes, valueBytes } = settings;
    this.#data = new Dataset({ compressible, keyBytes, valueBytes, order: 'random' });
    this.#batchRecords = batchRecords;
    this.#batches = Array.from({ length: 2 * MAX_WAITING }, (_, batch) =>
      Array.from({ length: batchRecords }, (_, at) => this.#put(batch * batchRecords + at)),
    );
  }

  at(number: number): readonly PutOperation[] {
    return this.#batches[number % this.#batches.length]!;
  }

  /** Compares sampled records of the warm-up's batches, which every run has put. Says how many. */
  async check(store: BenchStore): Promise<number> {
    const count = WARM_UP_BATCHES * this.#batchRecords;
    const step = Math.max(1, Math.floor(count / SAMPLES));
    let checked = 0;
    for (let record = 0; record < count; record += step, checked++) {
      this.#data.checkValue(await store.get(this.#data.keyOf(record)), record, 0);
    }
    if (checked === 0) throw new WrongResult('no record was checked');
    return checked;
  }

  #put(record: number): PutOperation {
    const value = this.#data.newValue();
    this.#data.writeValue(value, record, 0);
    return { type: 'put', key: this.#data.keyOf(record), value };
  }
}

/** Hands batches to the store as they are due: all of its duration, or until it is stopped. */
export class ArrivalLoop {
  readonly #request: Pick<ArrivalsRequest, 'batchRecords' | 'durationMs' | 'rate'>;
  readonly #store: BenchStore | undefined;
  readonly #batches: BatchRing;
  readonly #report: (progress: { readonly records: number; readonly elapsedMs: number }) => void;
  readonly #latency = new LatencyHistogram();
  readonly #slowestUs: number[] = [];
  readonly #pending = new Set<Promise<void>>();
  #failure: unknown;
  #isStopped = false;
  #arrived = 0;
  #mostWaiting = 0;
  #elapsedMs = 0;
  #nextReportMs = 0;
  startMs = 0;

  constructor(
    request: Pick<ArrivalsRequest, 'batchRecords' | 'durationMs' | 'rate'>,
    store: BenchStore | undefined,
    batches: BatchRing,
    report: (progress: { readonly records: number; readonly elapsedMs: number }) => void,
  ) {
    this.#request = request;
    this.#store = store;
    this.#batches = batches;
    this.#report = report;
  }

  async run(): Promise<void> {
    const { batchRecords, durationMs, rate } = this.#request;
    const intervalMs = (1000 * batchRecords) / rate;
    const all = Math.floor(durationMs / intervalMs);
    this.startMs = performance.now();
    // By number and not by the clock: what was due while the loop or the engine was held is handed over, however late.
    while (this.#arrived < all && !this.#isStopped) {
      const elapsedMs = performance.now() - this.startMs;
      const due = Math.min(all, Math.floor(elapsedMs / intervalMs));
      while (this.#arrived < due && this.#pending.size < MAX_WAITING) this.#arrive(intervalMs);
      this.#mostWaiting = Math.max(this.#mostWaiting, due - this.#arrived + this.#pending.size);
      this.#reportAt(elapsedMs);
      await sleep(1);
      if (this.#failure !== undefined) throw this.#failure;
    }
    await Promise.all(this.#pending);
    if (this.#failure !== undefined) throw this.#failure;
    this.#elapsedMs = performance.now() - this.startMs;
  }

  stop(): void {
    this.#isStopped = true;
  }

  figures(): Pick<Arrivals, 'records' | 'elapsedMs' | 'latency' | 'slowest' | 'mostWaiting'> {
    return {
      records: this.#arrived * this.#request.batchRecords,
      elapsedMs: this.#elapsedMs,
      latency: this.#latency.summary(),
      slowest: { sliceMs: SLICE_MS, maxUs: this.#slowestUs },
      mostWaiting: this.#mostWaiting,
    };
  }

  /** Not at each turn: a message to another process takes time of the very thread that is measured. */
  #reportAt(elapsedMs: number): void {
    if (elapsedMs < this.#nextReportMs) return;
    this.#nextReportMs = elapsedMs + SLICE_MS;
    this.#report({ records: this.#arrived * this.#request.batchRecords, elapsedMs });
  }

  #arrive(intervalMs: number): void {
    const number = this.#arrived++;
    const dueMs = this.startMs + number * intervalMs;
    const written = this.#write(number).then(
      () => this.#acknowledged(dueMs),
      (error: unknown) => {
        this.#failure ??= error;
      },
    );
    const settled: Promise<void> = written.then(() => void this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  async #write(number: number): Promise<void> {
    await this.#store?.batch(this.#batches.at(number));
  }

  #acknowledged(dueMs: number): void {
    const now = performance.now();
    this.#latency.record(now - dueMs);
    const slice = Math.floor((now - this.startMs) / SLICE_MS);
    while (this.#slowestUs.length <= slice) this.#slowestUs.push(0);
    this.#slowestUs[slice] = Math.max(this.#slowestUs[slice]!, (now - dueMs) * 1000);
  }
}
