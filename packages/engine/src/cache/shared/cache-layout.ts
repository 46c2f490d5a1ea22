/**
 * Every number of the memory of a cache of blocks that threads share. No other file has a literal word index. Int32 words:
 *
 *     │ 16 words           magic, layout version, shards, buckets of a shard, units of a log     │ never change
 *     │ 16 per participant fence, hits (low, high), misses (low, high)                           │ its thread writes
 *     │ 32 per shard       lock, removals, head, tail, units in use, blocks                      │ who has the lock writes
 *     │ buckets, by shard  each the newest entry of a chain, as its unit + 1; 0: none            │ who has the lock writes
 *     │ marks, by shard    a byte for each 8 units: 1 where an entry begins that was looked into │ anyone writes
 *     │ logs, by shard     entries one behind the other, in units of 32 bytes                    │ who has the lock writes
 *
 * An entry is a header of one unit and, from the next unit on, the image of a block (`block-image.ts`). V8 copies shared
 * memory by words only where both sides are aligned.
 *
 *     │ units │ table (low, high) │ block │ bytes │ next older entry of the chain, as unit + 1; 0: none │ bucket │
 *
 * A log is a ring: what is written last overwrites what was written first. An entry never goes around its end; what is left
 * there is a filler, which has units, and no bucket.
 */
import { allocate } from '@arena-level/common/base/allocate';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { KIB } from '@arena-level/common/base/limits';

/** 'ABLK' in memory. */
const CACHE_MAGIC = 0x4b4c4241;
/** Grows with every change of the layout. */
const CACHE_VERSION = 2;

const HeaderWord = { Magic: 0, Version: 1, Shards: 2, Buckets: 3, Units: 4 } as const;
const HEADER_WORDS = 16;

/** Threads that may use one cache at a time. The first is the owner of the store. */
export const PARTICIPANTS = 65;
export const OWNER = 0;
/** A cache line, so that no thread's counting slows another one down. */
const PARTICIPANT_WORDS = 16;
export const ParticipantWord = { Fence: 0, Hits: 1, Misses: 3 } as const;

/** Two cache lines: processors fetch them in pairs. */
const SHARD_WORDS = 32;
export const ShardWord = { Lock: 0, Removals: 1, Head: 2, Tail: 3, UsedUnits: 4, Blocks: 5 } as const;

export const UNIT_BYTES = 32;
export const UNIT_WORDS: number = UNIT_BYTES / Int32Array.BYTES_PER_ELEMENT;
export const EntryWord = {
  Units: 0,
  TableLow: 1,
  TableHigh: 2,
  Block: 3,
  Bytes: 4,
  Next: 5,
  Bucket: 6,
} as const;
export const FILLER = -1;
/** Entries that begin in the same so many units have a mark in common. */
export const UNITS_PER_MARK = 8;
/** Marks of a shard are whole cache lines. */
const MARKS_ALIGN_WORDS = 16;

export const MAX_SHARDS = 64;
const MIN_SHARD_BYTES: number = 256 * KIB;
/** Blocks of the usual size for which a shard has room at least, where there is more than one. */
const MIN_SHARD_BLOCKS = 16;
const MIN_BUCKETS = 8;
/** Blocks are rarely smaller than that, so that chains are short. */
const BYTES_PER_BUCKET: number = 1 * KIB;

/** How the memory is divided. */
export interface CacheGeometry {
  /** Powers of two, both; buckets are those of one shard. */
  readonly shards: number;
  readonly buckets: number;
  /** Units of a shard's log. */
  readonly units: number;
}

/** For blocks of about `blockBytes`; with large ones there are fewer shards, so that some fit in each. */
export function geometryFor(capacityBytes: number, blockBytes: number): CacheGeometry {
  const leastBytes = Math.max(MIN_SHARD_BYTES, MIN_SHARD_BLOCKS * blockBytes);
  let shards = MAX_SHARDS;
  while (shards > 1 && capacityBytes / shards < leastBytes) shards /= 2;
  const units = Math.floor(capacityBytes / shards / UNIT_BYTES);
  let buckets = MIN_BUCKETS;
  while (buckets * BYTES_PER_BUCKET < units * UNIT_BYTES) buckets *= 2;
  return { shards, buckets, units };
}

/** Words at which the parts of a memory begin, those of a shard by its number. */
export class CacheLayout {
  readonly geometry: CacheGeometry;

  constructor(geometry: CacheGeometry) {
    this.geometry = geometry;
  }

  participant(number: number): number {
    return HEADER_WORDS + number * PARTICIPANT_WORDS;
  }

  shard(number: number): number {
    return this.participant(PARTICIPANTS) + number * SHARD_WORDS;
  }

  buckets(shard: number): number {
    return this.shard(this.geometry.shards) + shard * this.geometry.buckets;
  }

  marks(shard: number): number {
    return this.buckets(this.geometry.shards) + shard * this.#markWords;
  }

  log(shard: number): number {
    return this.marks(this.geometry.shards) + shard * this.geometry.units * UNIT_WORDS;
  }

  get #markWords(): number {
    const lineMarks = MARKS_ALIGN_WORDS * Int32Array.BYTES_PER_ELEMENT;
    return Math.ceil(this.geometry.units / UNITS_PER_MARK / lineMarks) * MARKS_ALIGN_WORDS;
  }

  get memoryBytes(): number {
    return this.log(this.geometry.shards) * Int32Array.BYTES_PER_ELEMENT;
  }
}

/** The memory of a new cache: `capacityBytes` of blocks with their headers, and some 1 % more. Throws ARENA_MEMORY_BUDGET. */
export function createCacheMemory(capacityBytes: number, blockBytes: number): SharedArrayBuffer {
  const geometry = geometryFor(capacityBytes, blockBytes);
  const memory = allocate(
    `a shared cache of ${capacityBytes} bytes (option 'sharedCacheSize')`,
    () => new SharedArrayBuffer(new CacheLayout(geometry).memoryBytes),
  );
  const header = new Int32Array(memory, 0, HEADER_WORDS);
  header[HeaderWord.Magic] = CACHE_MAGIC;
  header[HeaderWord.Version] = CACHE_VERSION;
  header[HeaderWord.Shards] = geometry.shards;
  header[HeaderWord.Buckets] = geometry.buckets;
  header[HeaderWord.Units] = geometry.units;
  return memory;
}

/** How a memory from elsewhere is divided. Throws ARENA_INVALID_ARGUMENT for what is no cache, LEVEL_NOT_SUPPORTED for one of another version. */
export function layoutOf(memory: unknown): CacheLayout {
  const headerBytes = HEADER_WORDS * Int32Array.BYTES_PER_ELEMENT;
  const isMemory = memory instanceof SharedArrayBuffer && memory.byteLength >= headerBytes;
  const header = isMemory ? new Int32Array(memory, 0, HEADER_WORDS) : undefined;
  if (header?.[HeaderWord.Magic] !== CACHE_MAGIC) {
    throw new EngineError(ErrorCode.InvalidArgument, 'the shared cache of the handle is not one');
  }
  const version = header[HeaderWord.Version]!;
  if (version !== CACHE_VERSION) {
    throw new EngineError(
      ErrorCode.NotSupported,
      `the shared cache is of version ${version} and this thread runs version ${CACHE_VERSION}: both must load the same release`,
    );
  }
  const shards = header[HeaderWord.Shards]!;
  const buckets = header[HeaderWord.Buckets]!;
  const units = header[HeaderWord.Units]!;
  const layout = new CacheLayout({ shards, buckets, units });
  const isSound = isPowerOfTwo(shards) && shards <= MAX_SHARDS && isPowerOfTwo(buckets) && units >= 0;
  if (!isSound || (memory as SharedArrayBuffer).byteLength !== layout.memoryBytes) {
    throw new EngineError(ErrorCode.InvalidArgument, 'the shared cache of the handle has the wrong size');
  }
  return layout;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
