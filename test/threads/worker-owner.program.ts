/** A thread that has a store open, and shares it with others: with the main thread, too. */
import { parentPort, workerData } from 'node:worker_threads';
import { open } from 'arena-level/engine';
import { bytes } from '../support/text-bytes.ts';

export type OwnerCall = 'share' | 'overwrite' | 'stats' | 'close';

const store = await open(workerData as string, { writeBufferSize: 4096 });
const heard: unknown[] = [];
for (const name of ['thread-attached', 'thread-left'] as const) {
  store.on(name, ({ thread, name: of }) => heard.push([name, thread, of]));
}
let round = 0;

const calls: Readonly<Record<OwnerCall, () => unknown>> = {
  share: () => store.share(),
  /** The same keys, through MemDBs and tables. */
  overwrite: async () => {
    round++;
    for (let i = 0; i < 20; i++) await store.put(bytes(`key ${i}`), bytes(`round ${round}`));
    await store.rotateMemtable();
    return round;
  },
  stats: () => ({ ...store.stats().threads, heard }),
  close: () => store.close(),
};

parentPort!.on('message', async (call: OwnerCall) => {
  const result = await calls[call]();
  parentPort!.postMessage(result, call === 'share' ? [(result as ReturnType<typeof store.share>).port] : []);
  if (call === 'close') parentPort!.close();
});
parentPort!.postMessage('open');
