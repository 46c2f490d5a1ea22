/** A thread that writes batches through its ring, one after the other, and reports how far it came. */
import { parentPort, workerData } from 'node:worker_threads';
import { Prng } from '@arena-level/common/base/prng';
import { RingWriter } from '../../packages/engine/src/rings/ring-writer.ts';
import { batchOf, type ProducerReport, type ProducerTask } from './produced.ts';
import { MAX_PENDING_BYTES } from './ringed-store.ts';

/** Asynchronous batches on their way at a time. */
const MAX_UNAWAITED = 20;

const task = workerData as ProducerTask;
const acknowledged = new Int32Array(task.acknowledged);
const writer = new RingWriter(task.memory, task.port, { maxPendingBytes: MAX_PENDING_BYTES });
const prng = new Prng(task.seed + task.id);

async function run(): Promise<void> {
  let unawaited: Promise<void>[] = [];
  for (let batch = 0; batch < task.batches; batch++) {
    const options = { sync: task.syncOneIn > 0 && prng.oneIn(task.syncOneIn) };
    const blocks = task.calls === 'blocking' || (task.calls === 'mixed' && prng.oneIn(3));
    if (blocks) {
      writer.batchSync(batchOf(task, batch), options);
      // What was issued before it is in the store, too.
      Atomics.store(acknowledged, task.id, batch + 1);
    } else {
      const written = writer.batch(batchOf(task, batch), options).then(() => {
        const before = Atomics.load(acknowledged, task.id);
        Atomics.store(acknowledged, task.id, Math.max(before, batch + 1));
      });
      written.catch(() => {});
      unawaited.push(written);
      if (unawaited.length >= MAX_UNAWAITED) {
        await Promise.all(unawaited);
        unawaited = [];
      }
    }
  }
  await Promise.all(unawaited);
}

function report(error?: unknown): void {
  const { code, message } = (error ?? {}) as { readonly code?: string; readonly message?: string };
  const result: ProducerReport = {
    acknowledged: Atomics.load(acknowledged, task.id),
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
  };
  parentPort!.postMessage(result);
}

await run().then(() => report(), report);
await writer.close();
