/** The thread of `leaving.program.ts` that has work done by the owner, and has then nothing left to do. */
import { parentPort, workerData } from 'node:worker_threads';
import { attach, type ThreadHandle } from 'arena-level/engine';

const { handle, blocks } = workerData as { readonly handle: ThreadHandle; readonly blocks: boolean };
const { control } = attach(handle);
let heard = 0;
await control.flush();
await control.compactRange(undefined, undefined, {
  signal: new AbortController().signal,
  onProgress: () => {
    heard++;
  },
});
const { tables } = await control.masterRoot();
parentPort!.postMessage(`${tables} table, heard of its making: ${heard > 0}`);
if (blocks) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
