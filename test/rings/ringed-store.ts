/** A store with rings, put together as `open` does it, whose owner is the thread that calls. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Clock, systemClock } from '@arena-level/common/base/clock';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { type OpenModules, type OpenOptions, Store } from 'arena-level/engine';
import { assembleStore } from '../../packages/engine/src/db/assemble-store.ts';
import { makeStoreCore } from '../../packages/engine/src/db/store-core.ts';
import { lockDirectory } from '../../packages/engine/src/lock/directory-lock.ts';
import { resolveOptions } from '../../packages/engine/src/options/options.ts';
import type { OwnerSignal } from '../../packages/engine/src/rings/owner-signal.ts';
import type { RingMemory, RingMemoryOptions } from '../../packages/engine/src/rings/ring-memory.ts';
import type { RingSource } from '../../packages/engine/src/rings/ring-source.ts';
import { RingWriter } from '../../packages/engine/src/rings/ring-writer.ts';
import { WriteRings } from '../../packages/engine/src/rings/write-rings.ts';

export const MAX_PENDING_BYTES = 64 * 2 ** 20;

/** What a thread needs for its side; `port` is transferred. */
export interface RingTask {
  readonly memory: RingMemory;
  readonly port: MessagePort;
}

export interface RingedStore {
  readonly store: Store;
  readonly rings: WriteRings;
  readonly storage: Storage;
  attach(options?: RingMemoryOptions): RingTask & { readonly source: RingSource };
  /** A writer on this thread. */
  writer(options?: RingMemoryOptions, maxPendingBytes?: number): RingWriter;
  close(): Promise<void>;
}

export interface RingedStoreModules {
  readonly storage?: Storage;
  readonly clock?: Clock;
  readonly executor?: OpenModules['executor'];
  readonly signal?: OwnerSignal;
}

export async function openRinged(
  options: OpenOptions = {},
  modules: RingedStoreModules = {},
): Promise<RingedStore> {
  const { storage = new MemoryStorage(), clock = systemClock, executor, signal } = modules;
  const resolved = resolveOptions({ flush: 'inline', ...options });
  const lock = lockDirectory(storage, storage.location);
  const parts = await assembleStore(storage, lock, resolved, {
    clock,
    ...(executor === undefined ? {} : { executor }),
  });
  const store = new Store(makeStoreCore(parts));
  // Its own rings, unless the test has a signal for them.
  const rings = signal === undefined ? parts.rings : new WriteRings(parts.writes, resolved, signal);
  const attach = (ringOptions?: RingMemoryOptions) => {
    const { port1, port2 } = new MessageChannel();
    return { ...rings.add(port1, ringOptions), port: port2 };
  };
  return {
    store,
    rings,
    storage,
    attach,
    writer(ringOptions, maxPendingBytes = MAX_PENDING_BYTES) {
      const { memory, port } = attach(ringOptions);
      return new RingWriter(memory, port, { maxPendingBytes });
    },
    async close() {
      if (signal !== undefined) rings.close();
      await store.close();
    },
  };
}
