/**
 * Ingests until it is killed, going on where the store ends. Arguments: directory, seed, operations to write at most.
 *
 * Says on standard output, each line written before anything else happens: `opening`, `open <operations there>`,
 * `written <operation>` and `done`.
 */
import { Prng } from '@arena-level/common/base/prng';
import { type BatchOperation, open, type Store } from 'arena-level/engine';
import { IngestModel, ingestOperation } from './ingest-operations.ts';
import { INGEST_OPTIONS } from './ingest-options.ts';
import { say } from './say.ts';

const MAX_BURST = 40;

const [directory = '', seed = '0', limit = '0'] = process.argv.slice(2);

async function write(store: Store, index: number): Promise<void> {
  const { changes, sync } = ingestOperation(Number(seed), index);
  const operations = changes.map(
    ({ key, value }): BatchOperation =>
      value === undefined
        ? { type: 'del', key: Buffer.from(key) }
        : { type: 'put', key: Buffer.from(key), value: Buffer.from(value) },
  );
  await store.batch(operations, { sync });
  say(`written ${index}`);
}

async function ingest(): Promise<void> {
  say('opening');
  const store = await open(directory, INGEST_OPTIONS);
  const model = new IngestModel(Number(seed));
  model.advanceTo(store.stats().lastSequence);
  say(`open ${model.operations}`);
  const prng = new Prng(Number(seed) + model.operations);
  let pending: Promise<void>[] = [];
  for (let next = model.operations; next < Number(limit); ) {
    const burstEnd = Math.min(next + 1 + prng.below(MAX_BURST), Number(limit));
    while (next < burstEnd) pending.push(write(store, next++));
    if (prng.oneIn(3)) {
      await Promise.all(pending);
      pending = [];
    } else {
      await new Promise(setImmediate);
    }
  }
  await Promise.all(pending);
  await store.close();
  say('done');
}

await ingest();
