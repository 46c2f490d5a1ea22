/**
 * A thread that writes through its handle and reads what it and the others have written.
 *
 * Thread i writes n = 1, 2, … under two keys of its own, in one batch, and says so when that is acknowledged. So a read of
 * any thread that begins later finds n or more, the same under both.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type AttachedStore, attach, type ThreadHandle } from 'arena-level/engine';
import { bytes, text } from '../support/text-bytes.ts';

export interface WriterTask {
  readonly handle: ThreadHandle;
  readonly id: number;
  readonly writes: number;
  readonly calls: 'blocking' | 'async';
  /** A word per thread: the number that was acknowledged last. */
  readonly acknowledged: SharedArrayBuffer;
}

export interface WriterReport {
  readonly problems: readonly string[];
  readonly code?: string;
}

const task = workerData as WriterTask;
const acknowledged = new Int32Array(task.acknowledged);
const store = attach(task.handle);
const problems: string[] = [];

function pairOf(id: number): readonly [Uint8Array, Uint8Array] {
  return [bytes(`a:${id}`), bytes(`z:${id}`)];
}

function pairProblem(
  reader: Pick<AttachedStore, 'getSync' | 'snapshot'>,
  id: number,
  least: number,
): string | undefined {
  const snapshot = reader.snapshot();
  try {
    const [first, second] = pairOf(id).map((key) => Number(text(reader.getSync(key, { snapshot })) ?? 0));
    if (first !== second) return `the batches of thread ${id} are torn: ${first} and ${second}`;
    return first! < least ? `thread ${id}: ${first} was read after ${least} was acknowledged` : undefined;
  } finally {
    snapshot.close();
  }
}

function check(id: number): void {
  const least = Atomics.load(acknowledged, id);
  const problem = pairProblem(store, id, least);
  if (problem !== undefined && problems.length < 10) problems.push(`in thread ${task.id}: ${problem}`);
}

async function run(): Promise<void> {
  for (let n = 1; n <= task.writes; n++) {
    const batch = pairOf(task.id).map((key) => ({ type: 'put' as const, key, value: bytes(String(n)) }));
    if (task.calls === 'blocking') store.batchSync(batch);
    else await store.batch(batch);
    Atomics.store(acknowledged, task.id, n);
    for (let id = 0; id < acknowledged.length; id++) check(id);
  }
}

let code: string | undefined;
try {
  await run();
} catch (error) {
  code = (error as { readonly code?: string }).code ?? String(error);
}
parentPort?.postMessage({ problems, ...(code === undefined ? {} : { code }) } satisfies WriterReport);
await store.close();
