/** A thread that opens a store, hands a handle to whoever started it, and blocks for good. */
import { parentPort, workerData } from 'node:worker_threads';
import { open } from 'arena-level/engine';

const store = await open(workerData as string);
const handle = store.share();
parentPort!.postMessage(handle, [handle.port]);
// The message is sent by then: posting does not wait for a turn.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
