/** arena-level by its engine API: tables built by one worker, by two, or on the main thread. */
import { attach, open, type Store, type StoreEvents, type ThreadHandle } from 'arena-level/engine';
import type { BenchStore, Engine, EngineSetup, Mark, Pauses, ScanRange, StoreFacts } from './engine.ts';
import { packageVersion } from './load-package.ts';
import { iteratorRange, visitEntries } from './visit-entries.ts';

type OpenOptions = NonNullable<Parameters<typeof open>[1]>;

/** In words: it is left at its default. */
export const DEFAULT_COMPRESSION = 'snappy from level 2 on';

export const arena: Engine = arenaEngine('arena', 'engine API, one flush and one compaction worker', {
  flush: 'worker',
  flushWorkers: 1,
  compactionWorkers: 1,
});

export const arenaTwoWorkers: Engine = arenaEngine(
  'arena-2',
  'engine API, two flush and two compaction workers',
  { flush: 'worker', flushWorkers: 2, compactionWorkers: 2 },
);

export const arenaInline: Engine = arenaEngine('arena-inline', 'engine API, all on the main thread', {
  flush: 'inline',
});

function arenaEngine(name: string, note: string, own: OpenOptions): Engine {
  const optionsOf = (setup: EngineSetup): OpenOptions => ({
    ...own,
    writeBufferSize: setup.writeBufferBytes,
    ...cachesOf(setup),
  });
  return {
    name,
    kind: 'own',
    note,
    attach: async (_setup, pass) => attach(pass as ThreadHandle, { cacheSize: 0 }),
    async load() {
      return {
        version: packageVersion('arena-level'),
        configuration: (setup) => ({
          ...optionsOf(setup),
          sync: setup.sync,
          compression: DEFAULT_COMPRESSION,
          ...(setup.threads === true && { 'cacheSize of each thread': 0 }),
        }),
        open: async (setup) => arenaStore(await open(setup.location, optionsOf(setup)), setup.sync),
      };
    },
  };
}

/**
 * All caches together have the bytes that other engines have in one. Where threads read, too, they share all of it: a cache of
 * its own is for a thread's blocks that are too large for that.
 */
function cachesOf({ cacheBytes, threads = false }: EngineSetup): OpenOptions {
  return threads ? { cacheSize: cacheBytes, sharedCacheSize: cacheBytes } : { cacheSize: cacheBytes };
}

export function arenaStore(store: Store, sync: boolean): BenchStore {
  const options = sync ? { sync } : undefined;
  return {
    put: (key, value) => store.put(key, value, options),
    del: (key) => store.del(key, options),
    batch: (operations) => store.batch(operations, options),
    get: (key) => store.get(key),
    getSync: (key) => store.getSync(key),
    scan: (range, visit) => scanStore(store, range, visit),
    async settle() {
      await store.flush();
      await store.settled();
    },
    facts: () => factsOf(store),
    watch: (onMark) => watchStore(store, onMark),
    pass() {
      const handle = store.share();
      return { value: handle, transfer: [handle.port] };
    },
    close: () => store.close(),
  };
}

async function scanStore(
  store: Store,
  range: ScanRange,
  visit: (key: Uint8Array, value: Uint8Array) => void,
): Promise<void> {
  const iterator = store.iterator(iteratorRange(range));
  await visitEntries(iterator, range, visit);
  iterator.close();
}

export function factsOf(store: Pick<Store, 'stats'>): StoreFacts {
  const { writeAmplification, stalls, rotations, arenas, flushes } = store.stats();
  const occurred = Object.entries(stalls).filter(([, { count }]) => count > 0);
  return {
    writeAmplification,
    stalls: Object.fromEntries(occurred) as Readonly<Record<string, Pauses>>,
    rotations,
    arenaBytes: arenas.bytes,
    flushes: {
      count: flushes.count,
      totalMs: flushes.totalMs,
      cpuMs: flushes.cpuMs,
      bytes: flushes.bytes,
    },
  };
}

/** What is used of a store that tells of its events. */
export interface EventSource {
  on<N extends keyof StoreEvents>(name: N, listener: (event: StoreEvents[N]) => void): unknown;
}

export function watchStore(store: EventSource, onMark: (mark: Mark) => void): void {
  const ended = (kind: Mark['kind'], durationMs: number, label: string): void =>
    onMark({ kind, startMs: performance.now() - durationMs, durationMs, label });
  store.on('memtable-installed', ({ durationMs }) => ended('rotation', durationMs, ''));
  // By its own clock: a listener hears of the start of an inline flush when that has ended.
  store.on('flush-finished', ({ durationMs }) => ended('flush', durationMs, ''));
  store.on('compaction-finished', ({ level, outputLevel, durationMs }) =>
    ended('compaction', durationMs, `level ${level} to ${outputLevel}`),
  );
  store.on('stall-end', ({ reason, durationMs }) => ended('stall', durationMs, reason));
}
