/** The thread of `leaving.program.ts`: reads, and has then nothing left to do, or blocks. */
import { parentPort, workerData } from 'node:worker_threads';
import { attach, type ThreadHandle } from 'arena-level/engine';

const { handle, blocks } = workerData as { readonly handle: ThreadHandle; readonly blocks: boolean };
const store = attach(handle);
const value = Buffer.from(store.getSync(Buffer.from('key'))!).toString();
store.snapshot();
store.iterator();
parentPort!.postMessage(`read ${value}`);
if (blocks) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
