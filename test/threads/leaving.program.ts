/** A process that ends with threads attached to its store. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { open } from 'arena-level/engine';

const [directory, how, reader] = process.argv.slice(2);
// The channel to the test does not keep it alive.
process.channel?.unref();
const store = await open(directory!, { writeBufferSize: 4096 });
await store.put(Buffer.from('key'), Buffer.from('value'));
const handle = store.share();
const blocks = how === 'with a blocked thread';
const worker = new Worker(reader!, { workerData: { handle, blocks }, transferList: [handle.port] });
const [message] = await once(worker, 'message');
process.stdout.write(`${message}\n`);
for (let i = 0; i < 100; i++) await store.put(Buffer.from(`key ${i}`), Buffer.alloc(200));
if (how === 'by process.exit') process.exit(0);
if (blocks) worker.unref();
if (how === 'after a close') await store.close();
