/** Writes what its parent's seed says, reports, and waits to be killed: a process that dies with its store open. */
import { Prng } from '@arena-level/common/base/prng';
import { open } from 'arena-level/engine';
import { type Model, randomBatches } from './random-batches.ts';

const [directory = '', seed = '', batches = ''] = process.argv.slice(2);
const store = await open(directory, { flush: 'inline', writeBufferSize: 64 * 1024 });
const model: Model = new Map();
for (const operations of randomBatches(model, Number(batches), new Prng(Number(seed))))
  await store.batch(operations);
process.stdout.write('written\n');
setInterval(() => {}, 1000);
