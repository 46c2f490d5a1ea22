import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import {
  GIB,
  KIB,
  LEVELS,
  MAX_ARENA_BYTES,
  MAX_SHARED_CACHE_BYTES,
  MIB,
} from '@arena-level/common/base/limits';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { Compression } from '@arena-level/common/table/table-options';
import { LEVELDB_SIZES, type LevelSizes, levelSizesFor, MIN_TABLE_BYTES } from './level-sizes.ts';

/** Of the cache of blocks; the rest is for those that are too large for it. */
const SHARED_PART = 15 / 16;

/** What `open` takes. All optional; all may differ between two opens of one store. Sizes are bytes. */
export interface OpenOptions {
  /** Create the directory and an empty store when there is none. Default true. */
  readonly createIfMissing?: boolean;
  /** Fail with ARENA_STORE_EXISTS when there is a store already. Default false. */
  readonly errorIfExists?: boolean;

  /**
   * Read what is there, beside a writer if there is one: no lock is taken, and no file written, created or removed.
   * Whatever writes is LEVEL_READONLY. Writes that come later are not seen. Default false.
   */
  readonly readOnly?: boolean;

  /** kvData capacity of one MemDB: the writes that are gathered before a flush. 4 KiB to 1 GiB, default 32 MiB. */
  readonly writeBufferSize?: number;
  /** Index of the MemDB: `hash` (default) inserts fastest, `skiplist` suits a store that iterates all the time. */
  readonly memtable?: MemDbKind;
  /** Frozen MemDBs that may wait for their flush before writers wait. 1 to 16, default 2. */
  readonly maxFrozenMemtables?: number;
  /** Arenas kept ready for reuse while idle. 0 to 16, default 2. */
  readonly maxIdleArenas?: number;
  /** Bytes of writes that may wait (for a rotation or a slow disk) before writes are refused. Default 64 MiB. */
  readonly maxPendingBytes?: number;

  /** Where tables are built: in a worker thread (default), or on the calling thread. */
  readonly flush?: 'worker' | 'inline';
  /** Worker threads of the pool that the engines of this thread share. 1 to 16, default 1. */
  readonly flushWorkers?: number;
  /** Worker threads for compactions, shared like those for flushes, which they are apart from. 1 to 16, default 1. */
  readonly compactionWorkers?: number;
  /** Where the worker's bundle is, when it cannot be found beside the package (bundlers, asar). */
  readonly workerUrl?: string | URL;

  /** Block compression: one for all levels, or one per level. Default none in levels 0 and 1, snappy below. */
  readonly compression?: Compression | readonly Compression[];
  /** Uncompressed bytes of a data block. 256 to 4 MiB, default 4 KiB. */
  readonly blockSize?: number;
  /** Entries between two restart points of a block. 1 to 1024, default 16. */
  readonly blockRestartInterval?: number;
  /** Bloom filter bits per key; 0: no filter. Default 10. */
  readonly bloomBitsPerKey?: number;

  /**
   * How large levels and tables become: `arena` (default) in proportion to the write buffer, `leveldb` as LevelDB has it. The
   * options below replace single values.
   */
  readonly levelSizes?: 'arena' | 'leveldb';
  /** Bytes at which a compaction begins its next table. 4 KiB to 1 GiB, default a quarter of the write buffer, at least LevelDB's 2 MiB. */
  readonly maxFileSize?: number;
  /** Bytes of level 1 that call for a compaction. 4 KiB to 1 TiB, default four write buffers, at least LevelDB's 10 MiB. */
  readonly level1Size?: number;
  /** How many times as many bytes each deeper level may have. 2 to 100, default 10. */
  readonly levelSizeMultiplier?: number;
  /** Tables of level 0 that call for a compaction. 1 to 1000, default 4. */
  readonly level0CompactionTrigger?: number;
  /** Tables of level 0 from which on writers are slowed down. At least the compaction trigger, default 8. */
  readonly level0SlowdownTrigger?: number;
  /** Tables of level 0 at which rotations wait for compaction. Above the slowdown trigger, default 12. */
  readonly level0PauseTrigger?: number;
  /** Compact levels when they are over their size. Default true; false: only `compactRange` does, and writers never wait for it. */
  readonly autoCompaction?: boolean;
  /** Compact tables that many reads look into in vain, as LevelDB does. Default false. */
  readonly seekCompaction?: boolean;

  /** Uncompressed blocks kept in memory. Default 64 MiB; 0: none, to 64 GiB. */
  readonly cacheSize?: number;
  /**
   * How much of `cacheSize` is memory that all threads of the store share. What is not takes blocks that are too large for it,
   * and all blocks where it is the larger part. Up to `cacheSize` and 2 GiB; default 15 of 16 parts. 0: nothing is shared.
   */
  readonly sharedCacheSize?: number;
  /** Tables kept open. Default 1000. */
  readonly maxOpenFiles?: number;
  /** How asynchronous reads read cold blocks: on the thread while that is fast (`auto`, default), always through the libuv pool, or always on the thread. */
  readonly reads?: 'auto' | 'pool' | 'direct';

  /** A manifest that grows past this is replaced by a fresh one. Default 64 MiB. */
  readonly maxManifestSize?: number;
  /**
   * Write down in a file `LOG`, as LevelDB does, what the store does and what fails: no keys, no values. The one before is
   * kept as `LOG.old`. Default true; false with a `storage` of the caller's own, and where the store is open for reading
   * only, which writes nothing.
   */
  readonly infoLog?: boolean;
  /** A `LOG` that grows past this becomes `LOG.old`. 4 KiB to 1 GiB, default 1 MiB. */
  readonly maxInfoLogSize?: number;
  /**
   * What to do about damage in a journal that no crash explains: `stop` (default) refuses to open, `truncate`
   * keeps what lies before it, `skip` keeps also what can be read behind it (LevelDB's way).
   */
  readonly recover?: 'stop' | 'truncate' | 'skip';
  /** Take the store from a holder that seems alive. Only for a holder known to be gone. Default false. */
  readonly forceLock?: boolean;
}

/** Every option present and checked. */
export interface ResolvedOptions {
  readonly createIfMissing: boolean;
  readonly errorIfExists: boolean;
  readonly readOnly: boolean;
  readonly writeBufferBytes: number;
  readonly memtable: MemDbKind;
  readonly maxFrozenMemtables: number;
  readonly maxIdleArenas: number;
  readonly maxPendingBytes: number;
  readonly flush: 'worker' | 'inline';
  readonly flushWorkers: number;
  readonly compactionWorkers: number;
  readonly workerUrl: string | undefined;
  /** By level. */
  readonly compression: readonly Compression[];
  readonly blockBytes: number;
  readonly restartInterval: number;
  readonly bloomBitsPerKey: number;
  readonly sizes: LevelSizes;
  readonly autoCompaction: boolean;
  readonly seekCompaction: boolean;
  /** What is not shared. */
  readonly cacheBytes: number;
  readonly sharedCacheBytes: number;
  readonly maxOpenFiles: number;
  readonly reads: 'auto' | 'pool' | 'direct';
  readonly maxManifestBytes: number;
  /** Undefined: as the storage is. */
  readonly infoLog: boolean | undefined;
  readonly maxInfoLogBytes: number;
  readonly recover: 'stop' | 'truncate' | 'skip';
  readonly forceLock: boolean;
}

/** The names of all options. */
export const OPEN_OPTIONS: ReadonlySet<keyof OpenOptions> = new Set<keyof OpenOptions>([
  'createIfMissing',
  'errorIfExists',
  'readOnly',
  'writeBufferSize',
  'memtable',
  'maxFrozenMemtables',
  'maxIdleArenas',
  'maxPendingBytes',
  'flush',
  'flushWorkers',
  'compactionWorkers',
  'workerUrl',
  'compression',
  'blockSize',
  'blockRestartInterval',
  'bloomBitsPerKey',
  'levelSizes',
  'maxFileSize',
  'level1Size',
  'levelSizeMultiplier',
  'level0CompactionTrigger',
  'level0SlowdownTrigger',
  'level0PauseTrigger',
  'autoCompaction',
  'seekCompaction',
  'cacheSize',
  'sharedCacheSize',
  'maxOpenFiles',
  'reads',
  'maxManifestSize',
  'infoLog',
  'maxInfoLogSize',
  'recover',
  'forceLock',
]);

/** Checks every option and fills in the defaults. Throws ARENA_INVALID_OPTION naming the option and its range. */
export function resolveOptions(options: OpenOptions = {}): ResolvedOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new EngineError(ErrorCode.InvalidOption, 'options must be an object');
  }
  for (const name of Object.keys(options)) {
    if (!OPEN_OPTIONS.has(name as keyof OpenOptions))
      throw invalid(`unknown option '${name}'${suggestion(name)}`);
  }
  const readOnly = flag(options, 'readOnly', false);
  const writeBufferBytes = integer(options, 'writeBufferSize', 32 * MIB, 4 * KIB, GIB);
  const cacheBytes = integer(options, 'cacheSize', 64 * MIB, 0, 64 * GIB);
  const usuallyShared = Math.min(Math.floor(cacheBytes * SHARED_PART), MAX_SHARED_CACHE_BYTES);
  const sharedCacheBytes = integer(options, 'sharedCacheSize', usuallyShared, 0, MAX_SHARED_CACHE_BYTES);
  if (sharedCacheBytes > cacheBytes) {
    throw invalid(
      `option 'sharedCacheSize' must be at most 'cacheSize', ${cacheBytes}, not ${sharedCacheBytes}`,
    );
  }
  return Object.freeze({
    createIfMissing: flag(options, 'createIfMissing', true) && !readOnly,
    errorIfExists: flag(options, 'errorIfExists', false),
    readOnly,
    writeBufferBytes,
    memtable: choice(options, 'memtable', Object.values(MemDbKind), MemDbKind.Hash),
    maxFrozenMemtables: integer(options, 'maxFrozenMemtables', 2, 1, 16),
    maxIdleArenas: integer(options, 'maxIdleArenas', 2, 0, 16),
    maxPendingBytes: integer(options, 'maxPendingBytes', 64 * MIB, 64 * KIB, MAX_ARENA_BYTES),
    flush: choice(options, 'flush', ['worker', 'inline'] as const, 'worker'),
    flushWorkers: integer(options, 'flushWorkers', 1, 1, 16),
    compactionWorkers: integer(options, 'compactionWorkers', 1, 1, 16),
    workerUrl: workerUrl(options.workerUrl),
    compression: compression(options.compression),
    blockBytes: integer(options, 'blockSize', 4 * KIB, 256, 4 * MIB),
    restartInterval: integer(options, 'blockRestartInterval', 16, 1, 1024),
    bloomBitsPerKey: integer(options, 'bloomBitsPerKey', 10, 0, 64),
    sizes: levelSizes(options, writeBufferBytes),
    autoCompaction: flag(options, 'autoCompaction', true),
    seekCompaction: flag(options, 'seekCompaction', false),
    cacheBytes: cacheBytes - sharedCacheBytes,
    sharedCacheBytes,
    maxOpenFiles: integer(options, 'maxOpenFiles', 1000, 1, 1_000_000),
    reads: choice(options, 'reads', ['auto', 'pool', 'direct'] as const, 'auto'),
    maxManifestBytes: integer(options, 'maxManifestSize', 64 * MIB, 4 * KIB, GIB),
    infoLog: (options.infoLog ?? undefined) === undefined ? undefined : flag(options, 'infoLog', true),
    maxInfoLogBytes: integer(options, 'maxInfoLogSize', MIB, 4 * KIB, GIB),
    recover: choice(options, 'recover', ['stop', 'truncate', 'skip'] as const, 'stop'),
    forceLock: flag(options, 'forceLock', false),
  });
}

function invalid(message: string): EngineError {
  return new EngineError(ErrorCode.InvalidOption, message);
}

function levelSizes(options: OpenOptions, writeBufferBytes: number): LevelSizes {
  const preset = choice(options, 'levelSizes', ['arena', 'leveldb'] as const, 'arena');
  const base = preset === 'leveldb' ? LEVELDB_SIZES : levelSizesFor(writeBufferBytes);
  const level0Trigger = integer(options, 'level0CompactionTrigger', base.level0Trigger, 1, 1000);
  const level0Slowdown = integer(
    options,
    'level0SlowdownTrigger',
    Math.max(base.level0Slowdown, level0Trigger),
    level0Trigger,
    10_000,
  );
  return {
    level0Trigger,
    level0Slowdown,
    level0Pause: integer(
      options,
      'level0PauseTrigger',
      Math.max(base.level0Pause, level0Slowdown + 1),
      level0Slowdown + 1,
      100_000,
    ),
    level1Bytes: integer(options, 'level1Size', base.level1Bytes, MIN_TABLE_BYTES, 1024 * GIB),
    multiplier: integer(options, 'levelSizeMultiplier', base.multiplier, 2, 100),
    tableBytes: integer(options, 'maxFileSize', base.tableBytes, MIN_TABLE_BYTES, GIB),
  };
}

type Flag = {
  [K in keyof OpenOptions]-?: NonNullable<OpenOptions[K]> extends boolean ? K : never;
}[keyof OpenOptions];

function flag(options: OpenOptions, name: Flag, byDefault: boolean): boolean {
  const value = options[name] ?? byDefault;
  if (typeof value !== 'boolean')
    throw invalid(`option '${name}' must be true or false, not ${shown(value)}`);
  return value;
}

type NumericOption = {
  [K in keyof OpenOptions]-?: NonNullable<OpenOptions[K]> extends number ? K : never;
}[keyof OpenOptions];

function integer(
  options: OpenOptions,
  name: NumericOption,
  byDefault: number,
  least: number,
  most: number,
): number {
  const value: unknown = options[name] ?? byDefault;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(`option '${name}' must be an integer from ${least} to ${most}, not ${shown(value)}`);
  }
  return value;
}

function choice<T extends string>(
  options: OpenOptions,
  name: 'memtable' | 'flush' | 'levelSizes' | 'reads' | 'recover',
  values: readonly T[],
  byDefault: T,
): T {
  const value: unknown = options[name] ?? byDefault;
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) {
    throw invalid(
      `option '${name}' must be one of ${values.map((v) => `'${v}'`).join(', ')}, not ${shown(value)}`,
    );
  }
  return found;
}

function compression(value: OpenOptions['compression']): readonly Compression[] {
  const known = Object.values(Compression);
  const list: readonly unknown[] = Array.isArray(value)
    ? value
    : Array.from(
        { length: LEVELS },
        (_, level) => value ?? (level < 2 ? Compression.None : Compression.Snappy),
      );
  const wrong = list.find((one) => !known.some((candidate) => candidate === one));
  if (list.length === 0 || list.length > LEVELS || wrong !== undefined) {
    throw invalid(
      `option 'compression' must be 'none' or 'snappy', or a list of up to ${LEVELS} of them, not ${shown(wrong ?? value)}`,
    );
  }
  const levels = list as readonly Compression[];
  return Array.from({ length: LEVELS }, (_, level) => levels[Math.min(level, levels.length - 1)]!);
}

function workerUrl(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (value instanceof URL) return value.href;
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(`option 'workerUrl' must be a URL or a path, not ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

/** The known option that differs only in case or by one edit at the end, for a helpful message. */
function suggestion(name: string): string {
  const lower = name.toLowerCase();
  for (const known of OPEN_OPTIONS) {
    const candidate = known.toLowerCase();
    if (candidate === lower || candidate.startsWith(lower) || lower.startsWith(candidate))
      return ` (did you mean '${known}'?)`;
  }
  return '';
}
