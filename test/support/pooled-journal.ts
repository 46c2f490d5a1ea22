import type { HeldStore } from './held-store.ts';
import { bytes } from './text-bytes.ts';

/** One write of the journal that takes so long that the next ones go through the pool, as on a disk that blocks. */
export async function sendJournalWritesToPool({ store, clock }: HeldStore): Promise<void> {
  clock.msPerLook = 100;
  await store.put(bytes('slow'), bytes('write'));
  clock.msPerLook = 0;
}
