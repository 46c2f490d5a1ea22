/** A store with rings, put together as `open` does it, whose owner is the thread that calls. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Clock, systemClock } from '@arena-level/common/base/clock';
import type { OwnerSignal } from '@arena-level/common/rings/owner-signal';
import type { RingMemory, RingMemoryOptions } from '@arena-level/common/rings/ring-memory';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { type OpenModules, type OpenOptions, Store } from 'arena-level/engine';
import { assembleStore } from '../../packages/engine/src/db/assemble-store.ts';
import { makeStoreCore } from '../../packages/engine/src/db/store-core.ts';
import { lockDirectory } from '../../packages/engine/src/lock/directory-lock.ts';
import { resolveOptions } from '../../packages/engine/src/options/options.ts';
import type { RingSource } from '../../packages/engine/src/rings/ring-source.ts';
import { RingWriter } from '../../packages/engine/src/rings/ring-writer.ts';
import { WriteRings } from '../../packages/engine/src/rings/write-rings.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes } from '../support/text-bytes.ts';

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

export interface HeldRinged extends RingedStore {
  readonly storage: MemoryStorage;
  readonly schedule: HeldSchedule;
  readonly clock: ManualClock;
  /** Nothing that the storage does from here on completes before `schedule` says so; journals are written blocking. */
  hold(): void;
  /** The same, after a write that was slow: the next ones go to the journal asynchronously. */
  holdJournal(): Promise<void>;
}

/** A store with rings over a storage that can be held. */
export async function openHeldRinged(options: OpenOptions = {}): Promise<HeldRinged> {
  const schedule = new HeldSchedule();
  schedule.holds = false;
  const clock = new ManualClock();
  const storage = new MemoryStorage({ schedule: schedule.add });
  const ringed = await openRinged(options, { storage, clock });
  const hold = (): void => {
    schedule.holds = true;
  };
  return {
    ...ringed,
    storage,
    schedule,
    clock,
    hold,
    async holdJournal() {
      clock.msPerLook = 100;
      await ringed.store.put(bytes('slow'), bytes('write'));
      clock.msPerLook = 0;
      hold();
    },
  };
}
