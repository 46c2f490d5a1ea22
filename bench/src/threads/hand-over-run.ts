/** Batches handed by a thread to the one that has the store open: through shared memory, and by messages. */
import { MessageChannel } from 'node:worker_threads';
import { BenchThread, type ThreadOwner } from './bench-thread.ts';
import type { HandedOver } from './hand-over.ts';
import type { HandOver, HandOverCase, HandOverJob } from './jobs.ts';
import { unpackBatch } from './packed-batch.ts';
import { shapeOf, type ThreadsRequest, withSharedStore } from './shared-store.ts';

export interface HandOverRequest extends ThreadsRequest {
  readonly cases: readonly HandOverCase[];
  readonly caseMs: number;
}

export interface HandOverRun {
  readonly engine: string;
  readonly costs: readonly HandOver[];
}

export async function runHandOver(
  request: HandOverRequest,
  program?: ThreadOwner['program'],
): Promise<HandOverRun> {
  const costs = await withSharedStore(request, program, (owner) => handOver(request, owner));
  return { engine: request.engine, costs };
}

async function handOver(
  { caseMs, cases, settings }: HandOverRequest,
  owner: ThreadOwner,
): Promise<readonly HandOver[]> {
  const { store } = owner;
  const { port1, port2 } = new MessageChannel();
  const failed = new Promise<never>((_, reject) => {
    port1.on('message', (batch: HandedOver) => {
      const operations = batch instanceof ArrayBuffer ? unpackBatch(batch) : batch;
      store.batch(operations).then(() => port1.postMessage('written'), reject);
    });
  });
  const measure = async (): Promise<readonly HandOver[]> => {
    const shape = shapeOf(settings);
    const job: HandOverJob = { kind: 'hand-over', shape, cases, caseMs, port: port2 };
    const thread = await BenchThread.start<'hand-over'>(owner, job, [port2]);
    const costs = await thread.go();
    await thread.end();
    return costs;
  };
  return await Promise.race([measure(), failed]);
}
