import { MemoryStorage, type MemoryStorageOptions } from '@arena-level/common/storage/memory-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { type OpenModules, type OpenOptions, open, type Store, type StoreEvents } from 'arena-level/engine';
import { HeldExecutor } from './held-executor.ts';
import { ManualClock } from './manual-clock.ts';

type EventName = keyof StoreEvents;

/** One event as a test looks at it. */
export type TracedEvent = {
  [N in EventName]: { readonly name: N; readonly details: StoreEvents[N] };
}[EventName];

/** A store on this thread alone, in which time and flushes go on only when the test says so. */
export interface HeldStore {
  readonly store: Store;
  readonly memory: MemoryStorage;
  readonly clock: ManualClock;
  readonly executor: HeldExecutor;
  /** Everything that happened inside, in its order. */
  readonly trace: TracedEvent[];
  names(): EventName[];
}

export interface HeldStoreModules extends Omit<OpenModules, 'storage'> {
  readonly memory?: MemoryStorage | MemoryStorageOptions;
  /** What stands between the store and its memory. */
  readonly wrap?: (memory: MemoryStorage) => Storage;
}

export async function openHeld(
  options: OpenOptions = {},
  modules: HeldStoreModules = {},
): Promise<HeldStore> {
  const { memory: given, wrap, ...others } = modules;
  const memory = given instanceof MemoryStorage ? given : new MemoryStorage(given);
  const storage = wrap?.(memory) ?? memory;
  const clock = new ManualClock();
  const executor = new HeldExecutor(storage);
  const trace: TracedEvent[] = [];
  const store = await open(
    memory.location,
    { writeBufferSize: 4096, ...options },
    {
      clock,
      executor,
      ...others,
      storage,
      trace: (name, details) => void trace.push({ name, details } as TracedEvent),
    },
  );
  return { store, memory, clock, executor, trace, names: () => trace.map(({ name }) => name) };
}

/** The contents after closing and opening again, on the calling thread. */
export async function reopen(memory: MemoryStorage, options: OpenOptions = {}): Promise<Store> {
  return open(
    memory.location,
    { flush: 'inline', ...options },
    { storage: memory, clock: new ManualClock() },
  );
}
