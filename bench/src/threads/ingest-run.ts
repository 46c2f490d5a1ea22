/** Lines of JSON parsed and written: by the thread that has the store open, or by other threads for it. */
import { Prng } from '@arena-level/common/base/prng';
import { Dataset, WrongResult } from '../workloads/dataset.ts';
import { checkContents } from '../workloads/fill.ts';
import { BenchThread, type ThreadOwner } from './bench-thread.ts';
import type { Produced, ProduceJob } from './jobs.ts';
import { linesOf } from './json-lines.ts';
import { Producer } from './producer.ts';
import { type Spent, shapeOf, spentOn, type ThreadsRequest, withSharedStore } from './shared-store.ts';

export interface ThreadIngestRequest extends ThreadsRequest {
  /** Threads that parse and write; 0: the owner does both. */
  readonly producers: number;
  readonly batchRecords: number;
}

/** Times until the last batch was acknowledged. */
export interface ThreadIngest extends Spent {
  readonly engine: string;
  readonly producers: number;
  readonly records: number;
  /** Until the engine had paid for it. */
  readonly settledMs: number;
  readonly checked: number;
}

export async function runThreadIngest(
  request: ThreadIngestRequest,
  program?: ThreadOwner['program'],
): Promise<ThreadIngest> {
  const { batchRecords, producers, settings } = request;
  const data = new Dataset(shapeOf(settings));
  const { bounds, text } = linesOf(data, settings.records, Math.max(1, producers));
  const jobs = bounds.slice(1).map((to, part): ProduceJob => {
    return { kind: 'produce', text, from: bounds[part]!, to, batchRecords };
  });
  return await withSharedStore(request, program, (owner) => ingest(request, owner, data, jobs));
}

async function ingest(
  { engine, producers, seed, settings: { records } }: ThreadIngestRequest,
  owner: ThreadOwner,
  data: Dataset,
  jobs: readonly ProduceJob[],
): Promise<ThreadIngest> {
  const { store } = owner;
  const { result, ...spent } =
    producers === 0 ? await produceHere(owner, jobs[0]!) : await produceInThreads(owner, jobs);
  const produced = result.reduce((sum, one) => sum + one.records, 0);
  if (produced !== records) throw new WrongResult(`${produced} records were written instead of ${records}`);
  const settling = await spentOn(() => store.settle());
  const checked = await checkContents({ data, store, prng: new Prng(seed) }, records, () => 0)();
  return { engine, producers, records, ...spent, settledMs: spent.elapsedMs + settling.elapsedMs, checked };
}

async function produceHere(
  { store }: ThreadOwner,
  job: ProduceJob,
): Promise<Spent & { readonly result: readonly Produced[] }> {
  const producer = new Producer(store, job);
  await producer.warmUp();
  return await spentOn(async () => [await producer.run()]);
}

async function produceInThreads(
  owner: ThreadOwner,
  jobs: readonly ProduceJob[],
): Promise<Spent & { readonly result: readonly Produced[] }> {
  const threads = await Promise.all(jobs.map((job) => BenchThread.start<'produce'>(owner, job)));
  const produced = await spentOn(() => Promise.all(threads.map((thread) => thread.go())));
  for (const thread of threads) await thread.end();
  return produced;
}
