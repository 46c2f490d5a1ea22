import { invariant } from '@arena-level/common/base/invariant';
import {
  type ImageAnswer,
  imageIndexWords,
  imageIndexWordsAt,
  searchImage,
  writeImage,
} from '@arena-level/common/block/block-image';
import { type BlockMemory, ownMemory } from '@arena-level/common/block/block-memory';
import type { ImageIndex } from '@arena-level/common/block/image-index';
import { highWord, lowWord } from '@arena-level/common/bytes/two-words';
import {
  type CacheLayout,
  EntryWord,
  FILLER,
  ShardWord,
  UNIT_BYTES,
  UNIT_WORDS,
  UNITS_PER_MARK,
} from './cache-layout.ts';

const NONE = -1;
/** Entries of a chain that are looked at. One that is read while it changes may lead in circles. */
const MAX_CHAIN = 64;
/** A block that would take more of a log than this part is not kept: it would push out too much at once. */
const FAIR_PART = 4;
/** Entries that one new entry may send around the log once more, at most. */
const SECOND_CHANCES = 2;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;

/**
 * One shard of a shared cache, as one thread sees it. Who has the lock adds blocks, and for room removes the oldest ones, but
 * for some that were looked into since they came: those become the newest. `copy` and `search` take no lock.
 *
 * INVARIANT: bytes that a chain leads to are overwritten only after the entry was taken out of its chain and then `removals`
 * was raised. So a reader that finds `removals` as it was before it looked for the entry has read what the entry was; any other
 * may hold anything, and throws it away. Adding changes nothing that a reader can have come to: bytes first, then the link.
 *
 * Readers of one shard never stop a writer, and a writer never makes readers miss, but where it removes under their hands.
 */
export class CacheShard {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #first: number;
  readonly #buckets: number;
  readonly #bucketMask: number;
  readonly #log: number;
  /** The byte of the first mark. */
  readonly #marks: number;
  readonly #units: number;
  /** The word behind the log. */
  readonly #end: number;
  readonly #fence: number;

  /** `words`, `bytes`: all of the cache. `fence`: a word that only this thread changes. */
  constructor(
    words: Int32Array<SharedArrayBuffer>,
    bytes: Uint8Array<SharedArrayBuffer>,
    layout: CacheLayout,
    number: number,
    fence: number,
  ) {
    this.#words = words;
    this.#bytes = bytes;
    this.#first = layout.shard(number);
    this.#buckets = layout.buckets(number);
    this.#bucketMask = layout.geometry.buckets - 1;
    this.#log = layout.log(number);
    this.#marks = layout.marks(number) * WORD_BYTES;
    this.#units = layout.geometry.units;
    this.#end = layout.log(number + 1);
    this.#fence = fence;
  }

  /** Grows before bytes of removed entries are overwritten. */
  get removals(): number {
    return Atomics.load(this.#words, this.#first + ShardWord.Removals);
  }

  get blocks(): number {
    return Atomics.load(this.#words, this.#first + ShardWord.Blocks);
  }

  get usedBytes(): number {
    return Atomics.load(this.#words, this.#first + ShardWord.UsedUnits) * UNIT_BYTES;
  }

  /** A copy of a block, in some of `memory`. Good only if `wasQuiet` says so of the removals before. */
  copy(
    hash: number,
    table: number,
    block: number,
    memory: BlockMemory = ownMemory,
  ): Uint8Array<ArrayBuffer> | undefined {
    const unit = this.#find(hash & this.#bucketMask, table, block);
    if (unit === NONE) return undefined;
    this.#mark(unit);
    const entry = this.#entry(unit);
    const image = entry + UNIT_WORDS;
    const start = (image + imageIndexWordsAt(this.#words, image)) * WORD_BYTES;
    const length = this.#words[entry + EntryWord.Bytes]!;
    if (start < image * WORD_BYTES || length < 0 || start + length > this.#end * WORD_BYTES) return undefined;
    const contents = memory.bytes(length);
    contents.set(this.#bytes.subarray(start, start + length));
    return contents;
  }

  /** Searches a block where it lies; undefined: it is not there. Good only if `wasQuiet` says so of the removals before. */
  search(
    hash: number,
    table: number,
    block: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
  ): ImageAnswer | undefined {
    const unit = this.#find(hash & this.#bucketMask, table, block);
    if (unit === NONE) return undefined;
    this.#mark(unit);
    const image = this.#entry(unit) + UNIT_WORDS;
    return searchImage(this.#words, this.#bytes, image, this.#end, key, keyStart, keyEnd, sequence);
  }

  /**
   * Whether nothing was overwritten since `removals` was loaded.
   *
   * The copy is made of plain reads, and a load that follows them does not keep them from coming after it: an acquiring
   * load (ARM's `ldar`) orders only what is behind it. The fence does: what is before its store (a release) comes first,
   * and the load behind it, an acquire, does not pass it.
   */
  wasQuiet(removals: number): boolean {
    this.#passFence();
    return this.removals === removals;
  }

  /**
   * Takes the lock if nobody has it. A lock of one's own that is found taken is left over from a call that was cut off in
   * the middle, by a stack that ran out: the shard begins anew.
   */
  tryLock(holder: number): boolean {
    const found = Atomics.compareExchange(this.#words, this.#first + ShardWord.Lock, 0, holder);
    if (found === holder) this.clear();
    return found === 0 || found === holder;
  }

  /** Takes the lock of a holder that is gone, if it has it. */
  takeOver(from: number, holder: number): boolean {
    return Atomics.compareExchange(this.#words, this.#first + ShardWord.Lock, from, holder) === from;
  }

  unlock(): void {
    Atomics.store(this.#words, this.#first + ShardWord.Lock, 0);
  }

  fits(contents: Uint8Array, index: ImageIndex | undefined): boolean {
    return unitsFor(contents, index) <= this.#units / FAIR_PART;
  }

  /** Keeps a block, unless it is there: what it is never changes. REQUIRES: the lock, and that it fits. */
  insert(
    hash: number,
    table: number,
    block: number,
    contents: Uint8Array,
    index: ImageIndex | undefined,
  ): void {
    const bucket = hash & this.#bucketMask;
    if (this.#find(bucket, table, block) !== NONE) return;
    const units = unitsFor(contents, index);
    const unit = this.#makeRoom(units);
    const entry = this.#entry(unit);
    const words = this.#words;
    writeImage(words, this.#bytes, entry + UNIT_WORDS, contents, index);
    words[entry + EntryWord.Units] = units;
    words[entry + EntryWord.TableLow] = lowWord(table);
    words[entry + EntryWord.TableHigh] = highWord(table);
    words[entry + EntryWord.Block] = block;
    words[entry + EntryWord.Bytes] = contents.length;
    words[entry + EntryWord.Bucket] = bucket;
    this.#link(unit, units);
  }

  /** Forgets all blocks, in whatever state the words are. REQUIRES: the lock. */
  clear(): void {
    const words = this.#words;
    for (let bucket = 0; bucket <= this.#bucketMask; bucket++) {
      Atomics.store(words, this.#buckets + bucket, 0);
    }
    for (const word of [ShardWord.Head, ShardWord.Tail, ShardWord.UsedUnits, ShardWord.Blocks]) {
      Atomics.store(words, this.#first + word, 0);
    }
    this.#publishRemovals();
  }

  /** The unit of a block's entry. Without the lock anything may be found: units are checked before they are used. */
  #find(bucket: number, table: number, block: number): number {
    const words = this.#words;
    const low = lowWord(table);
    const high = highWord(table);
    let unit = Atomics.load(words, this.#buckets + bucket) - 1;
    for (let steps = 0; steps < MAX_CHAIN && unit >= 0 && unit < this.#units; steps++) {
      const entry = this.#entry(unit);
      if (
        words[entry + EntryWord.Block] === block &&
        words[entry + EntryWord.TableLow] === low &&
        words[entry + EntryWord.TableHigh] === high
      ) {
        return unit;
      }
      unit = words[entry + EntryWord.Next]! - 1;
    }
    return NONE;
  }

  /** The unit at which there is room for so many. */
  #makeRoom(units: number): number {
    let chances = SECOND_CHANCES;
    let isRemoved = false;
    while (this.#units - this.#load(ShardWord.UsedUnits) < units + this.#fillerBefore(units)) {
      if (chances > 0 && this.#isOldestMarked) {
        chances--;
        this.#renewOldest();
        isRemoved = false;
      } else {
        this.#takeOldest();
        isRemoved = true;
      }
    }
    if (isRemoved) this.#publishRemovals();
    return this.#headFor(units);
  }

  get #isOldestMarked(): boolean {
    const tail = this.#load(ShardWord.Tail);
    const isFiller = this.#words[this.#entry(tail) + EntryWord.Bucket] === FILLER;
    return !isFiller && this.#bytes[this.#markOf(tail)] === 1;
  }

  /** Takes the oldest entry out of its chain and of the log. Its units; they may be overwritten when that was published. */
  #takeOldest(): number {
    const tail = this.#load(ShardWord.Tail);
    const entry = this.#entry(tail);
    const units = this.#words[entry + EntryWord.Units]!;
    const bucket = this.#words[entry + EntryWord.Bucket]!;
    invariant(units > 0 && tail + units <= this.#units, 'an entry lies in its log');
    if (bucket !== FILLER) {
      this.#unlink(bucket, tail);
      this.#add(ShardWord.Blocks, -1);
    }
    Atomics.store(this.#words, this.#first + ShardWord.Tail, (tail + units) % this.#units);
    this.#add(ShardWord.UsedUnits, -units);
    return units;
  }

  /** The oldest entry becomes the newest: to be marked anew. What it leaves and what is free suffice for it, filler included. */
  #renewOldest(): void {
    const tail = this.#load(ShardWord.Tail);
    const from = this.#entry(tail);
    const units = this.#takeOldest();
    this.#publishRemovals();
    const head = this.#headFor(units);
    const to = this.#entry(head);
    if (to !== from) this.#words.copyWithin(to, from, from + units * UNIT_WORDS);
    this.#link(head, units);
  }

  /** Units at the end of the log in which so many do not fit. */
  #fillerBefore(units: number): number {
    const atEnd = this.#units - this.#load(ShardWord.Head);
    return atEnd < units ? atEnd : 0;
  }

  /** The unit of the next entry, behind a filler if need be. REQUIRES: room for both. */
  #headFor(units: number): number {
    const filler = this.#fillerBefore(units);
    if (filler > 0) {
      const entry = this.#entry(this.#load(ShardWord.Head));
      this.#words[entry + EntryWord.Units] = filler;
      this.#words[entry + EntryWord.Bucket] = FILLER;
      this.#advanceHead(filler);
    }
    return this.#load(ShardWord.Head);
  }

  /** Makes the entry at the head, which is whole but for its link, the newest of its chain and of the log. */
  #link(head: number, units: number): void {
    const words = this.#words;
    const entry = this.#entry(head);
    const chain = this.#buckets + words[entry + EntryWord.Bucket]!;
    words[entry + EntryWord.Next] = words[chain]!;
    this.#bytes[this.#markOf(head)] = 0;
    Atomics.store(words, chain, head + 1);
    this.#advanceHead(units);
    this.#add(ShardWord.Blocks, 1);
  }

  /** The oldest entry of a log is the last one of its chain. */
  #unlink(bucket: number, unit: number): void {
    const words = this.#words;
    let link = this.#buckets + bucket;
    while (words[link] !== unit + 1) {
      invariant(words[link]! > 0, 'an entry is in its chain');
      link = this.#entry(words[link]! - 1) + EntryWord.Next;
    }
    Atomics.store(words, link, 0);
  }

  /**
   * From here on what was removed may be overwritten. The fence is for those plain writes: they could pass the store half
   * of a read-modify-write (ARM's `stlxr` does not order what is behind it), but not another one behind it.
   */
  #publishRemovals(): void {
    Atomics.add(this.#words, this.#first + ShardWord.Removals, 1);
    this.#passFence();
  }

  #passFence(): void {
    Atomics.add(this.#words, this.#fence, 1);
  }

  #markOf(unit: number): number {
    return this.#marks + Math.floor(unit / UNITS_PER_MARK);
  }

  /** That an entry was looked into. A mark that comes too late is for another entry, which then stays for a round. */
  #mark(unit: number): void {
    const at = this.#markOf(unit);
    if (this.#bytes[at] === 0) this.#bytes[at] = 1;
  }

  #advanceHead(units: number): void {
    const head = this.#load(ShardWord.Head);
    Atomics.store(this.#words, this.#first + ShardWord.Head, (head + units) % this.#units);
    this.#add(ShardWord.UsedUnits, units);
  }

  #entry(unit: number): number {
    return this.#log + unit * UNIT_WORDS;
  }

  #load(word: number): number {
    return this.#words[this.#first + word]!;
  }

  #add(word: number, change: number): void {
    Atomics.add(this.#words, this.#first + word, change);
  }
}

/** A header, and the image in whole units. */
function unitsFor(contents: Uint8Array, index: ImageIndex | undefined): number {
  return 1 + Math.ceil((imageIndexWords(index) * WORD_BYTES + contents.length) / UNIT_BYTES);
}
