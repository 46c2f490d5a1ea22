/** What classic-level, memory-level, RocksLevel and ArenaLevel have in common: abstract-level's methods. */
import type { BenchStore, Operation, ScanRange, StoreFacts } from './engine.ts';
import { iteratorRange, visitEntries } from './visit-entries.ts';

interface LevelIterator {
  nextv(size: number): Promise<[Uint8Array, Uint8Array][]>;
  close(): Promise<void>;
}

/** What is used of abstract-level. `getSync` came with its version 2. */
export interface Level {
  open(): Promise<void>;
  put(key: Buffer, value: Buffer, options: object): Promise<void>;
  del(key: Buffer, options: object): Promise<void>;
  batch(operations: readonly Operation[], options: object): Promise<void>;
  get(key: Buffer): Promise<Uint8Array | undefined>;
  getSync?(key: Buffer): Uint8Array | undefined;
  iterator(options: object): LevelIterator;
  close(): Promise<void>;
}

export interface LevelParts {
  /** Default false. */
  readonly sync?: boolean;
  readonly settle?: () => Promise<unknown>;
  readonly facts?: () => StoreFacts;
  readonly watch?: BenchStore['watch'];
  /** Of versions that reject a `get` of an absent key. */
  readonly get?: BenchStore['get'];
  readonly getSync?: BenchStore['getSync'];
}

const SYNC = { sync: true };
/**
 * Empty, and so for every engine: abstract-level copies options into each operation of a batch, and { sync: false }
 * costs some 6 µs a record.
 */
const NO_OPTIONS = {};

export function levelStore(level: Level, parts: LevelParts = {}): BenchStore {
  const options = parts.sync === true ? SYNC : NO_OPTIONS;
  return {
    put: (key, value) => level.put(key, value, options),
    del: (key) => level.del(key, options),
    batch: (operations) => level.batch(operations, options),
    get: parts.get ?? ((key) => level.get(key)),
    getSync: parts.getSync ?? (level.getSync === undefined ? undefined : (key) => level.getSync!(key)),
    scan: (range, visit) => scanLevel(level, range, visit),
    settle: parts.settle ?? (async () => undefined),
    facts: parts.facts ?? (() => ({})),
    watch: parts.watch,
    close: () => level.close(),
  };
}

async function scanLevel(
  level: Level,
  range: ScanRange,
  visit: (key: Uint8Array, value: Uint8Array) => void,
): Promise<void> {
  const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' };
  const iterator = level.iterator({ ...iteratorRange(range), ...encodings });
  await visitEntries(iterator, range, visit);
  await iterator.close();
}
