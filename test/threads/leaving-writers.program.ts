/** A process that ends while threads write to its store, blocked and not, and says what they were told by then. */
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { open } from 'arena-level/engine';
import type { WriterTask } from './writer.program.ts';

const [directory, how, writer] = process.argv.slice(2);
const store = await open(directory!, { writeBufferSize: 4096 });
const acknowledged = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
(['blocking', 'async'] as const).forEach((calls, id) => {
  const handle = store.share();
  const task: WriterTask = { handle, id, writes: 1_000_000, calls, acknowledged: acknowledged.buffer };
  new Worker(writer!, { workerData: task, transferList: [handle.port] });
});
while (Math.min(...acknowledged) <= 20) await setImmediate();
writeSync(1, acknowledged.join(' '));
if (how === 'by process.exit') process.exit(0);
process.kill(process.pid, 'SIGKILL');
