import type { Snapshot } from '../read/snapshot-list.ts';
import { boundsOf, type ForwardedClearOptions, writeOptions } from './forwarded-options.ts';
import type { LevelStore } from './level-store.ts';

/** Tombstones of one batch. */
const KEYS_PER_BATCH = 1000;

/**
 * Deletes the keys of a range that a snapshot sees, whatever their values are by now, and no others. Not atomic: a key at a
 * time is there or gone.
 */
export async function clearSeenBy(
  snapshot: Snapshot,
  store: LevelStore,
  options: ForwardedClearOptions,
): Promise<void> {
  const { reverse, limit } = options;
  const iterator = store.iterator({ ...boundsOf(options), reverse, limit, values: false, snapshot });
  try {
    for (;;) {
      const entries = await iterator.nextv(KEYS_PER_BATCH);
      if (entries.length === 0) return;
      await store.batch(
        entries.map(([key]) => ({ type: 'del', key })),
        writeOptions(options),
      );
    }
  } finally {
    iterator.close();
  }
}
