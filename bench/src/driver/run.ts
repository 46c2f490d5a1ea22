/** One measured run: what the child process does and reports. */
import { performance as clock } from 'node:perf_hooks';
import { Prng } from '@arena-level/common/base/prng';
import { engineNamed } from '../engines/all-engines.ts';
import type { BenchStore, EngineSetup, LoadedEngine, Mark, StoreFacts } from '../engines/engine.ts';
import { type LoopDelay, LoopDelayMonitor } from '../support/loop-delay.ts';
import { diskBytes, writtenBytes } from '../support/process-io.ts';
import { threadCpu } from '../support/thread-cpu.ts';
import { workloadNamed } from '../workloads/all-workloads.ts';
import { Dataset } from '../workloads/dataset.ts';
import type { Mode } from '../workloads/mode.ts';
import type { Settings, Workload, WorkloadContext } from '../workloads/workload.ts';
import { type Latency, Meter, type Timeline } from './meter.ts';

export interface RunRequest {
  readonly engine: string;
  readonly workload: string;
  readonly mode: Mode;
  readonly settings: Settings;
  readonly seed: number;
  /** Fresh directories: of the warm-up, and of the run that counts. */
  readonly warmUpLocation: string;
  readonly location: string;
}

export interface RunResult {
  readonly engine: string;
  readonly workload: string;
  readonly mode: Mode;
  readonly records: number;
  /** Bytes of their keys and values, as far as they were written. */
  readonly bytes: number;
  /** Records written beside the reads that are counted; missing where nothing is. */
  readonly besideRecords?: number;
  /** Until the last operation was acknowledged. */
  readonly elapsedMs: number;
  /**
   * Until the engine had paid for it; equal to `elapsedMs` where no batches were written: single calls ask for the
   * time of a call, and are too few to be worth a flush.
   */
  readonly settledMs: number;
  /** CPU of the main thread, and of all threads of the process, until then. */
  readonly mainCpuMs: number;
  readonly processCpuMs: number;
  /** Share of the time in which the event loop was busy, 0 to 1. */
  readonly loopUtilization: number;
  readonly loopDelay: LoopDelay;
  readonly latency: Latency;
  readonly timeline: Timeline;
  /** Times are from the start of the measured stretch. */
  readonly marks: readonly Mark[];
  readonly facts: StoreFacts;
  readonly rssBytes: number;
  readonly diskBytes: number;
  /** Handed to write calls; undefined where the system does not tell. */
  readonly writtenBytes: number | undefined;
  /** Values that were compared with what was written. */
  readonly checked: number;
}

export interface RunProgress {
  readonly records: number;
  readonly elapsedMs: number;
}

const WARM_UP_SHARE = 0.1;
const MAX_WARM_UP_RECORDS = 20_000;
/** One awaited call after the other is as slow as its answer: a tenth of the records says as much. */
const SINGLE_SHARE = 0.1;
/** Too few to say anything, and zipfian draws need two. */
const MIN_RECORDS = 100;

export async function runWorkload(
  request: RunRequest,
  report: (progress: RunProgress) => void = () => undefined,
): Promise<RunResult> {
  const workload = workloadNamed(request.workload);
  const loaded = await engineNamed(request.engine).load();
  if (typeof loaded === 'string') throw new Error(loaded);
  await new Run(request, workload, loaded, WARM_UP_SHARE, request.warmUpLocation).warmUp();
  const meter = new Meter(request.settings.durationMs, (records, elapsedMs) =>
    report({ records, elapsedMs }),
  );
  return await new Run(request, workload, loaded, 1, request.location).measured(meter);
}

/** Records of a run: the share that workload and mode leave of those that were asked for. */
export function recordsOf(asked: number, workload: Workload, mode: Mode, share = 1): number {
  const ofMode = mode.kind === 'single' || mode.kind === 'in-flight' ? SINGLE_SHARE : 1;
  const records = Math.max(MIN_RECORDS, Math.floor(asked * (workload.share ?? 1) * ofMode));
  return share === 1
    ? records
    : Math.max(MIN_RECORDS, Math.min(MAX_WARM_UP_RECORDS, Math.floor(records * share)));
}

class Run {
  readonly #request: RunRequest;
  readonly #workload: Workload;
  readonly #engine: LoadedEngine;
  readonly #share: number;
  readonly #setup: EngineSetup;

  constructor(
    request: RunRequest,
    workload: Workload,
    engine: LoadedEngine,
    share: number,
    location: string,
  ) {
    this.#request = request;
    this.#workload = workload;
    this.#engine = engine;
    this.#share = share;
    const { cacheBytes, writeBufferBytes } = request.settings;
    this.#setup = { location, cacheBytes, writeBufferBytes, sync: workload.sync ?? false };
  }

  /** The whole workload with fewer records: compiled code, and a first check. */
  async warmUp(): Promise<void> {
    const context = await this.#prepared(new Meter());
    context.meter.start();
    const check = await this.#workload.run(context);
    await check();
    await context.store.close();
  }

  async measured(meter: Meter): Promise<RunResult> {
    const workload = this.#workload;
    const context = await this.#prepared(meter);
    const { store } = context;
    const marks: Mark[] = [];
    store.watch?.((mark) => marks.push(mark));
    const stretch = await Stretch.start();
    meter.start();
    const startMs = meter.startMs;
    const check = await workload.run(context);
    const elapsedMs = performance.now() - startMs;
    const isSettled = workload.writes && this.#request.mode.kind === 'batch';
    if (isSettled) await store.settle();
    const settledMs = isSettled ? performance.now() - startMs : elapsedMs;
    const used = await stretch.end();
    const facts = store.facts();
    const checked = await check();
    const bytesOnDisk = diskBytes(this.#setup.location);
    await store.close();
    const { engine, mode } = this.#request;
    const { data } = context;
    return {
      engine,
      workload: workload.name,
      mode,
      records: meter.records,
      bytes: meter.bytes ?? meter.records * (data.shape.keyBytes + data.shape.valueBytes),
      ...(meter.beside === undefined ? {} : { besideRecords: meter.beside }),
      elapsedMs,
      settledMs,
      ...used,
      latency: meter.latency.summary(),
      timeline: meter.timeline(),
      marks: marks.map((mark) => ({ ...mark, startMs: mark.startMs - startMs })),
      facts,
      diskBytes: bytesOnDisk,
      checked,
    };
  }

  async #prepared(meter: Meter): Promise<WorkloadContext> {
    const store = await this.#open();
    const context = this.#context(store, meter);
    await this.#workload.prepare?.(context);
    if (this.#workload.reopens !== true) return context;
    await store.close();
    const reopened = { ...context, store: await this.#open() };
    await this.#workload.warm?.(reopened);
    return reopened;
  }

  #open(): Promise<BenchStore> {
    return this.#engine.open(this.#setup);
  }

  #context(store: BenchStore, meter: Meter): WorkloadContext {
    const { mode, seed, settings } = this.#request;
    const { keyBytes, valueBytes, compressible } = settings;
    const workload = this.#workload;
    return {
      store,
      settings,
      records: recordsOf(settings.records, workload, mode, this.#share),
      reads: recordsOf(settings.reads, workload, mode, this.#share),
      mode,
      data: new Dataset({
        keyBytes,
        valueBytes: workload.valueBytes ?? valueBytes,
        compressible,
        order: workload.keys,
      }),
      meter,
      prng: new Prng(seed),
    };
  }
}

type Used = Pick<
  RunResult,
  'mainCpuMs' | 'processCpuMs' | 'loopUtilization' | 'loopDelay' | 'rssBytes' | 'writtenBytes'
>;

/** What the process uses from `start` to `end`. */
class Stretch {
  readonly #cpu = threadCpu();
  readonly #monitor: LoopDelayMonitor;
  readonly #cpuBefore = this.#cpu.read();
  readonly #processBefore = process.cpuUsage();
  readonly #loopBefore = clock.eventLoopUtilization();
  readonly #writtenBefore = writtenBytes();

  private constructor(monitor: LoopDelayMonitor) {
    this.#monitor = monitor;
  }

  static async start(): Promise<Stretch> {
    return new Stretch(await LoopDelayMonitor.start());
  }

  async end(): Promise<Used> {
    const mainCpuMs = (this.#cpu.read() - this.#cpuBefore) / 1e6;
    const { user, system } = process.cpuUsage(this.#processBefore);
    const { utilization } = clock.eventLoopUtilization(this.#loopBefore);
    const written = writtenBytes();
    return {
      mainCpuMs,
      processCpuMs: (user + system) / 1000,
      loopUtilization: utilization,
      writtenBytes:
        written === undefined || this.#writtenBefore === undefined
          ? undefined
          : written - this.#writtenBefore,
      rssBytes: process.memoryUsage.rss(),
      loopDelay: await this.#monitor.stop(),
    };
  }
}
