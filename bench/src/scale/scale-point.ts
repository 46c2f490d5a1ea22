/** One point of the curve: a store filled to a size, then read, closed and opened again. */
import { Prng } from '@arena-level/common/base/prng';
import { Meter } from '../driver/meter.ts';
import { engineNamed } from '../engines/all-engines.ts';
import type { BenchStore, LoadedEngine } from '../engines/engine.ts';
import { diskBytes, writtenBytes } from '../support/process-io.ts';
import { applyAll } from '../workloads/apply.ts';
import { Dataset } from '../workloads/dataset.ts';
import { checkSamples, puts } from '../workloads/fill.ts';
import type { Settings, WorkloadContext } from '../workloads/workload.ts';

export interface ScaleRequest {
  readonly engine: string;
  readonly settings: Settings;
  readonly batchRecords: number;
  readonly seed: number;
  readonly location: string;
}

export interface ScalePoint {
  readonly engine: string;
  readonly records: number;
  /** Until acknowledged, and until settled. */
  readonly filledMs: number;
  readonly settledMs: number;
  readonly openMs: number;
  readonly readsPerSecond: number;
  /** Resident set: the most while filling, and after the reads of the reopened store. */
  readonly fillRssBytes: number;
  readonly readRssBytes: number;
  readonly diskBytes: number;
  /** Bytes handed to write calls per byte of keys and values. */
  readonly writeAmplification: number | undefined;
  readonly checked: number;
}

const READS = 50_000;

export async function runScalePoint(
  request: ScaleRequest,
  report: (progress: { readonly records: number; readonly elapsedMs: number }) => void = () => undefined,
): Promise<ScalePoint> {
  const loaded = await engineNamed(request.engine).load();
  if (typeof loaded === 'string') throw new Error(loaded);
  const { keyBytes, records, valueBytes } = request.settings;
  const filled = await fillTo(request, loaded, report);
  const openedAt = performance.now();
  const store = await openStore(request, loaded);
  const openMs = performance.now() - openedAt;
  const context = contextOf(request, store, new Meter());
  const readsPerSecond = await readRate(context);
  const readRssBytes = process.memoryUsage.rss();
  const checked = await checkSamples(context, records, () => 0);
  await store.close();
  const { written, ...point } = filled;
  return {
    engine: request.engine,
    records,
    ...point,
    openMs,
    readsPerSecond,
    readRssBytes,
    diskBytes: diskBytes(request.location),
    writeAmplification: written === undefined ? undefined : written / (records * (keyBytes + valueBytes)),
    checked,
  };
}

async function fillTo(
  request: ScaleRequest,
  loaded: LoadedEngine,
  report: (progress: { readonly records: number; readonly elapsedMs: number }) => void,
): Promise<
  Pick<ScalePoint, 'filledMs' | 'settledMs' | 'fillRssBytes'> & { readonly written: number | undefined }
> {
  const store = await openStore(request, loaded);
  let fillRssBytes = 0;
  const meter = new Meter(undefined, (records, elapsedMs) => {
    fillRssBytes = Math.max(fillRssBytes, process.memoryUsage.rss());
    report({ records, elapsedMs });
  });
  const context = contextOf(request, store, meter);
  const writtenBefore = writtenBytes();
  meter.start();
  await applyAll(
    context,
    request.settings.records,
    puts(
      context,
      (at) => at,
      () => 0,
    ),
  );
  const filledMs = performance.now() - meter.startMs;
  await store.settle();
  const settledMs = performance.now() - meter.startMs;
  const written = writtenBytes();
  await store.close();
  return {
    filledMs,
    settledMs,
    fillRssBytes,
    written: written === undefined || writtenBefore === undefined ? undefined : written - writtenBefore,
  };
}

/** Blocking gets where the engine has them; the first half of them only warms up. */
async function readRate({ data, prng, records, store }: WorkloadContext): Promise<number> {
  const key = data.newKey();
  const pass = async (): Promise<void> => {
    for (let at = 0; at < READS; at++) {
      const record = prng.below(records);
      data.writeKey(key, record);
      const found = store.getSync === undefined ? await store.get(key) : store.getSync(key);
      if (found === undefined || at % 64 === 0) data.checkValue(found, record, 0);
    }
  };
  await pass();
  const startMs = performance.now();
  await pass();
  return (READS * 1000) / (performance.now() - startMs);
}

function openStore({ location, settings }: ScaleRequest, loaded: LoadedEngine): Promise<BenchStore> {
  const { cacheBytes, writeBufferBytes } = settings;
  return loaded.open({ location, cacheBytes, writeBufferBytes, sync: false });
}

function contextOf(
  { batchRecords, seed, settings }: ScaleRequest,
  store: BenchStore,
  meter: Meter,
): WorkloadContext {
  const { compressible, keyBytes, records, valueBytes } = settings;
  return {
    store,
    settings,
    records,
    reads: READS,
    mode: { kind: 'batch', size: batchRecords },
    data: new Dataset({ compressible, keyBytes, valueBytes, order: 'random' }),
    meter,
    prng: new Prng(seed),
  };
}
