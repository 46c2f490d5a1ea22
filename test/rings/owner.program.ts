/** A thread that has a store open, hands out rings, and then no longer lets its event loop turn. */
import { parentPort } from 'node:worker_threads';
import { openRinged, type RingTask } from './ringed-store.ts';

const { attach } = await openRinged();
const rings: RingTask[] = [attach(), attach()].map(({ memory, port }) => ({ memory, port }));
parentPort!.postMessage(
  rings,
  rings.map(({ port }) => port),
);
parentPort!.once('message', () => {
  parentPort!.postMessage('frozen');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
