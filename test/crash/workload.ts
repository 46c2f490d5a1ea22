/** Random writes to a recorded store: small keys that come again and again, so that every write may shadow another. */
import type { Prng } from '@arena-level/common/base/prng';
import type { Change } from './history.ts';
import type { RecordedStore } from './recorded-store.ts';

/**
 * `awaited`: each write is awaited before the next. `concurrent`: bursts of writes are issued together, and the next
 * burst may come before they are acknowledged. `blocking`: by the blocking twins, some behind asynchronous writes.
 */
export type WriteStyle = 'awaited' | 'concurrent' | 'blocking';

const KEYS = 40;
const MAX_VALUE_LENGTH = 400;
const MAX_BATCH_CHANGES = 6;

/** Makes `steps` writes; one in ten is synced. */
export async function writeRandomly(
  store: RecordedStore,
  steps: number,
  style: WriteStyle,
  prng: Prng,
): Promise<void> {
  const pending: Promise<void>[] = [];
  for (let step = 0; step < steps; step++) {
    const blocks = style === 'blocking' && !prng.oneIn(3);
    if (blocks) writeOneNow(store, prng);
    else pending.push(writeOne(store, prng));
    if (style === 'awaited') await pending.pop();
    // A burst ends: the event loop turns, or everything is awaited.
    else if (prng.oneIn(12)) await Promise.all(pending.splice(0));
    else if (prng.oneIn(4)) await new Promise(setImmediate);
  }
  await Promise.all(pending);
}

export function writeOne(store: RecordedStore, prng: Prng): Promise<void> {
  const sync = prng.oneIn(10);
  switch (prng.below(5)) {
    case 0:
      return store.del(randomKey(prng), sync);
    case 1:
      return store.batch(randomBatch(store, prng), sync);
    default:
      return store.put(randomKey(prng), randomValue(store, prng), sync);
  }
}

export function writeOneNow(store: RecordedStore, prng: Prng): void {
  const sync = prng.oneIn(10);
  switch (prng.below(5)) {
    case 0:
      store.delSync(randomKey(prng), sync);
      break;
    case 1:
      store.batchSync(randomBatch(store, prng), sync);
      break;
    default:
      store.putSync(randomKey(prng), randomValue(store, prng), sync);
  }
}

function randomBatch(store: RecordedStore, prng: Prng): Change[] {
  const length = 1 + prng.below(MAX_BATCH_CHANGES);
  return Array.from({ length }, () => ({
    key: randomKey(prng),
    value: prng.oneIn(3) ? undefined : randomValue(store, prng),
  }));
}

export function randomKey(prng: Prng): string {
  return `k${String(prng.below(KEYS)).padStart(2, '0')}`;
}

/** A value that tells which operation wrote it. */
export function randomValue(store: RecordedStore, prng: Prng): string {
  const origin = `${store.history.operations.length}.${prng.below(1000)}.`;
  return origin + 'v'.repeat(prng.below(MAX_VALUE_LENGTH));
}
