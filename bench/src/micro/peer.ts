/** One face for the engines that are compared. Each hands out keys and values as bytes. */
import { open } from 'arena-level/engine';
import type { Entries } from './entries.ts';

export interface PutOperation {
  readonly type: 'put';
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Entries as batches of so many, each made when it is asked for. */
export function* batchesOf(entries: Entries, batchEntries: number): Generator<readonly PutOperation[]> {
  for (let at = 0; at < entries.count; at += batchEntries) {
    const operations: PutOperation[] = [];
    const end = Math.min(entries.count, at + batchEntries);
    for (let entry = at; entry < end; entry++) {
      operations.push({ type: 'put', key: entries.keys[entry]!, value: entries.values[entry]! });
    }
    yield operations;
  }
}

export interface PeerStore {
  put(key: Buffer, value: Buffer): Promise<void>;
  batch(operations: readonly PutOperation[]): Promise<void>;
  get(key: Buffer): Promise<Uint8Array | undefined>;
  getSync(key: Buffer): Uint8Array | undefined;
  /** Entries read, in batches of 1000. */
  scan(): Promise<number>;
  /** Brings everything to tables; undefined where the engine has no such call. */
  readonly flush: (() => Promise<void>) | undefined;
  close(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  open(location: string): Promise<PeerStore>;
}

const SCAN_BATCH = 1000;

function arenaLevel(name: string, options: NonNullable<Parameters<typeof open>[1]>): Peer {
  return {
    name,
    async open(location) {
      const store = await open(location, options);
      return {
        put: (key, value) => store.put(key, value),
        batch: (operations) => store.batch(operations),
        get: (key) => store.get(key),
        getSync: (key) => store.getSync(key),
        flush: () => store.flush(),
        close: () => store.close(),
        async scan() {
          const iterator = store.iterator();
          let entries = 0;
          for (;;) {
            const batch = await iterator.nextv(SCAN_BATCH);
            if (batch.length === 0) break;
            entries += batch.length;
          }
          iterator.close();
          return entries;
        },
      };
    },
  };
}

/** What is used of classic-level: it is compared when it is installed, and need not be. */
interface ClassicLevel {
  open(): Promise<void>;
  put(key: Buffer, value: Buffer): Promise<void>;
  batch(operations: readonly PutOperation[]): Promise<void>;
  get(key: Buffer): Promise<Uint8Array | undefined>;
  getSync(key: Buffer): Uint8Array | undefined;
  iterator(): { nextv(size: number): Promise<unknown[]>; close(): Promise<void> };
  close(): Promise<void>;
}

type ClassicLevelModule = {
  readonly ClassicLevel: new (location: string, options: object) => ClassicLevel;
};

async function classicLevel(): Promise<Peer | undefined> {
  const name = 'classic-level';
  let module: ClassicLevelModule;
  try {
    module = (await import(name)) as ClassicLevelModule;
  } catch {
    return undefined;
  }
  return {
    name,
    async open(location) {
      const store = new module.ClassicLevel(location, {
        keyEncoding: 'buffer',
        valueEncoding: 'buffer',
        compression: false,
        cacheSize: 64 * 1024 * 1024,
        writeBufferSize: 32 * 1024 * 1024,
      });
      await store.open();
      return {
        put: (key, value) => store.put(key, value),
        batch: (operations) => store.batch(operations),
        get: (key) => store.get(key),
        getSync: (key) => store.getSync(key),
        flush: undefined,
        close: () => store.close(),
        async scan() {
          const iterator = store.iterator();
          let entries = 0;
          for (;;) {
            const batch = await iterator.nextv(SCAN_BATCH);
            if (batch.length === 0) break;
            entries += batch.length;
          }
          await iterator.close();
          return entries;
        },
      };
    },
  };
}

/** The engines to compare, and the names of those that are not installed. */
export async function peers(): Promise<{
  readonly peers: readonly Peer[];
  readonly missing: readonly string[];
}> {
  const own = [
    arenaLevel('arena-level', {}),
    arenaLevel('arena-level, inline flush', { flush: 'inline' }),
    arenaLevel('arena-level, skiplist of 8 MiB', { memtable: 'skiplist', writeBufferSize: 8 * 1024 * 1024 }),
  ];
  const classic = await classicLevel();
  return {
    peers: classic === undefined ? own : [...own, classic],
    missing: classic === undefined ? ['classic-level'] : [],
  };
}
