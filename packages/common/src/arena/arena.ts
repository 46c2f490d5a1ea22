/**
 * An arena: one SharedArrayBuffer with the entries of one MemDB and their index, as `layout.ts` lays it out.
 *
 * INVARIANT: only the thread that owns the engine changes the state, and only along legal edges. Nothing writes
 * nodeData or kvData unless the arena is Active (its owner does) or Free (whoever prepares it does).
 */
import { allocate } from '../base/allocate.ts';
import { EngineError, ErrorCode } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import { MAX_ARENA_BYTES, MAX_SEQUENCE } from '../base/limits.ts';
import { EMPTY_BYTES } from '../bytes/compare.ts';
import { fromWords, highWord, lowWord } from '../bytes/two-words.ts';
import { ArenaState, assertAbandonable, assertTransition } from './arena-state.ts';
import { checkHeader, damaged } from './check-header.ts';
import { type IndexKind, kindFromWord, kindToWord } from './index-kind.ts';
import {
  ARENA_LAYOUT_VERSION,
  ARENA_MAGIC,
  type ArenaSizes,
  arenaByteLength,
  arenaSizesFor,
  bucketBitsFor,
  firstNodeFor,
  HEADER_BYTES,
  HEADER_WORDS,
  HeaderWord,
  INDEX_WORD,
  MAX_NODE_WORDS,
  MAX_PREFIX_BYTES,
  nodeWordsFor,
  PREFIX_OFFSET,
  WORD_BYTES,
} from './layout.ts';

export interface ArenaOptions {
  readonly kind: IndexKind;
  /** Bytes of kvData. */
  readonly kvBytes: number;
  /** Words of nodeData. Default: what `arenaSizesFor` gives for `kvBytes` and `entries`. */
  readonly nodeWords?: number;
  /** Entries that must fit. Default: 0. */
  readonly entries?: number;
}

/** What an attaching thread was told of the arena. */
export interface ExpectedArena {
  readonly generation?: number;
  readonly entries?: number;
}

/** Keys of the bucket hash: unpredictable, so that nobody can choose keys that share a bucket. One pair per process. */
const HASH_SEED: Int32Array = crypto.getRandomValues(new Int32Array(2));

export class Arena {
  readonly shared: SharedArrayBuffer;
  readonly header: Int32Array<SharedArrayBuffer>;
  readonly nodeData: Int32Array<SharedArrayBuffer>;
  readonly kvData: Uint8Array<SharedArrayBuffer>;
  readonly kind: IndexKind;
  readonly bucketBits: number;
  /** Word of nodeData at which the first node stands. */
  readonly firstNode: number;
  readonly #prefixBytes: Uint8Array<SharedArrayBuffer>;

  /** REQUIRES: a sound header. Use `createArena` and `attachArena`. */
  constructor(shared: SharedArrayBuffer) {
    const header = new Int32Array(shared, 0, HEADER_WORDS);
    const nodeWords = header[HeaderWord.NodeWordsCapacity]!;
    this.shared = shared;
    this.header = header;
    this.nodeData = new Int32Array(shared, HEADER_BYTES, nodeWords);
    this.kvData = new Uint8Array(shared, HEADER_BYTES + nodeWords * WORD_BYTES);
    this.kind = kindFromWord(header[HeaderWord.Kind]!)!;
    this.bucketBits = header[HeaderWord.BucketBits]!;
    this.firstNode = firstNodeFor(this.kind, this.bucketBits);
    this.#prefixBytes = new Uint8Array(shared, PREFIX_OFFSET, MAX_PREFIX_BYTES);
  }

  get state(): ArenaState {
    return Atomics.load(this.header, HeaderWord.State) as ArenaState;
  }

  /** Grows with each activation. A thread that reads a frozen arena compares it before its first read and after its last. */
  get generation(): number {
    return Atomics.load(this.header, HeaderWord.Generation);
  }

  /** Sequence numbers of entries are stored as their distance from this one. Fixed while the arena is in use. */
  get baseSequence(): number {
    const { header } = this;
    return fromWords(header[HeaderWord.BaseSequenceHigh]!, header[HeaderWord.BaseSequenceLow]!);
  }

  /** Entries that readers may see. */
  get visibleCount(): number {
    return Atomics.load(this.header, HeaderWord.VisibleCount);
  }

  get kvBytesUsed(): number {
    return this.header[HeaderWord.KvBytesUsed]!;
  }

  get nodeWordsUsed(): number {
    return this.header[HeaderWord.NodeWordsUsed]!;
  }

  /** A prefix that most user keys share, as told at activation. It speeds up comparisons; keys need not have it. */
  get commonPrefix(): Uint8Array<SharedArrayBuffer> {
    return this.#prefixBytes.subarray(0, this.header[HeaderWord.PrefixLength]!);
  }

  /** True when the index is empty already, so that activation need not clear it. */
  get isClean(): boolean {
    return Atomics.load(this.header, HeaderWord.Clean) === 1;
  }

  get isCancelled(): boolean {
    return Atomics.load(this.header, HeaderWord.Cancel) === 1;
  }

  /** Asks the worker that flushes this arena to stop. Forgotten when the next flush begins. */
  requestCancel(): void {
    Atomics.store(this.header, HeaderWord.Cancel, 1);
  }

  /** Entries that the worker that flushes this arena has written so far. */
  get progress(): number {
    return Atomics.load(this.header, HeaderWord.Progress);
  }

  set progress(entries: number) {
    Atomics.store(this.header, HeaderWord.Progress, entries);
  }

  /**
   * Free → Active, empty, for entries with sequence numbers above `baseSequence`. Cheap when the arena is clean;
   * else it clears the index first, which takes about a millisecond per 8 MiB of it.
   */
  activate(baseSequence: number, commonPrefix: Uint8Array = EMPTY_BYTES): void {
    invariant(
      Number.isSafeInteger(baseSequence) && baseSequence >= 0 && baseSequence <= MAX_SEQUENCE,
      'a base sequence is a sequence number',
    );
    assertTransition(this.state, ArenaState.Active);
    this.clearIndex();
    const { header } = this;
    const prefixLength = Math.min(commonPrefix.length, MAX_PREFIX_BYTES);
    for (let i = 0; i < prefixLength; i++) this.#prefixBytes[i] = commonPrefix[i]!;
    header[HeaderWord.PrefixLength] = prefixLength;
    header[HeaderWord.BaseSequenceLow] = lowWord(baseSequence);
    header[HeaderWord.BaseSequenceHigh] = highWord(baseSequence);
    resetUse(this);
    Atomics.store(header, HeaderWord.Clean, 0);
    // 2^31 generations on, a request that old is long settled.
    Atomics.store(header, HeaderWord.Generation, (this.generation + 1) & 0x7fff_ffff);
    Atomics.store(header, HeaderWord.State, ArenaState.Active);
  }

  freeze(): void {
    this.transition(ArenaState.Frozen);
  }

  /** Takes one edge of the arena's life. Activation has arguments: see `activate`. */
  transition(to: ArenaState): void {
    assertTransition(this.state, to);
    invariant(to !== ArenaState.Active, 'an arena becomes active through activate()');
    if (to === ArenaState.Flushing) {
      Atomics.store(this.header, HeaderWord.Cancel, 0);
      Atomics.store(this.header, HeaderWord.Progress, 0);
    }
    Atomics.store(this.header, HeaderWord.State, to);
  }

  /** Active or Frozen → Free, when a store is closed or dropped: nothing will be flushed from this arena. */
  abandon(): void {
    assertAbandonable(this.state);
    Atomics.store(this.header, HeaderWord.State, ArenaState.Free);
  }

  /** Empties the index of a free arena, so that it can be activated. Any thread, one at a time. */
  clearIndex(): void {
    invariant(this.state === ArenaState.Free, 'only the index of a free arena is cleared');
    if (this.isClean) return;
    this.nodeData.fill(0, INDEX_WORD, this.firstNode);
    Atomics.store(this.header, HeaderWord.Clean, 1);
  }
}

/** A new arena: Free, clean, its pages not yet touched. Throws ARENA_MEMORY_BUDGET where there is no memory for it. */
export function createArena(options: ArenaOptions): Arena {
  const { kind, kvBytes } = options;
  const sizes: ArenaSizes = {
    kvBytes,
    nodeWords: options.nodeWords ?? arenaSizesFor(kind, kvBytes, options.entries ?? 0).nodeWords,
  };
  checkSizes(kind, sizes);
  const shared = arenaMemory(arenaByteLength(sizes));
  const header = new Int32Array(shared, 0, HEADER_WORDS);
  header[HeaderWord.Magic] = ARENA_MAGIC;
  header[HeaderWord.LayoutVersion] = ARENA_LAYOUT_VERSION;
  header[HeaderWord.Kind] = kindToWord(kind);
  header[HeaderWord.NodeWordsCapacity] = sizes.nodeWords;
  header[HeaderWord.KvBytesCapacity] = sizes.kvBytes;
  header[HeaderWord.BucketBits] = bucketBitsFor(kind, sizes.nodeWords);
  header[HeaderWord.HashSeed0] = HASH_SEED[0]!;
  header[HeaderWord.HashSeed1] = HASH_SEED[1]!;
  header[HeaderWord.Clean] = 1;
  const arena = new Arena(shared);
  resetUse(arena);
  return arena;
}

/**
 * The arena in shared memory that another thread made. Throws ARENA_INTERNAL when it is not an arena of this
 * layout, is not in use, or is not the one expected.
 */
export function attachArena(shared: SharedArrayBuffer, expected: ExpectedArena = {}): Arena {
  checkHeader(shared);
  const arena = new Arena(shared);
  if (arena.state === ArenaState.Free) throw damaged('it is free: nothing is in it');
  if (expected.generation !== undefined && arena.generation !== expected.generation) {
    throw damaged(`it has generation ${arena.generation} instead of ${expected.generation}`);
  }
  if (expected.entries !== undefined && arena.visibleCount !== expected.entries) {
    throw damaged(`it has ${arena.visibleCount} entries instead of ${expected.entries}`);
  }
  return arena;
}

function resetUse(arena: Arena): void {
  const { header } = arena;
  header[HeaderWord.NodeWordsUsed] = arena.firstNode;
  header[HeaderWord.KvBytesUsed] = 0;
  header[HeaderWord.Height] = 1;
  Atomics.store(header, HeaderWord.LastDelta, 0);
  Atomics.store(header, HeaderWord.VisibleCount, 0);
  Atomics.store(header, HeaderWord.Cancel, 0);
  Atomics.store(header, HeaderWord.Progress, 0);
}

function checkSizes(kind: IndexKind, { kvBytes, nodeWords }: ArenaSizes): void {
  if (
    !Number.isInteger(kvBytes) ||
    kvBytes < 1 ||
    !Number.isInteger(nodeWords) ||
    nodeWords < nodeWordsFor(kind, 1)
  ) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `no arena has ${kvBytes} bytes and ${nodeWords} node words`,
    );
  }
  if (kvBytes > MAX_ARENA_BYTES || nodeWords > MAX_NODE_WORDS) {
    throw new EngineError(
      ErrorCode.TooLarge,
      `an arena of ${kvBytes} bytes and ${nodeWords} node words is above the limits of ${MAX_ARENA_BYTES} and ${MAX_NODE_WORDS}`,
    );
  }
}

function arenaMemory(byteLength: number): SharedArrayBuffer {
  invariant(new Uint8Array(Uint32Array.of(1).buffer)[0] === 1, 'arenas need a little-endian machine');
  return allocate(`an arena of ${byteLength} bytes`, () => new SharedArrayBuffer(byteLength));
}
