import { invariant } from '@arena-level/common/base/invariant';
import { highWord, lowWord } from '@arena-level/common/bytes/two-words';
import { type CacheLayout, EntryWord, FILLER, ShardWord, UNIT_BYTES, UNIT_WORDS } from './cache-layout.ts';

const NONE = -1;
/** Entries of a chain that are looked at. One that is read while it changes may lead in circles. */
const MAX_CHAIN = 64;
/** A block that would take more of a log than this part is not kept: it would push out too much at once. */
const FAIR_PART = 4;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;

/**
 * One shard of a shared cache, as one thread sees it. Who has the lock adds blocks, and for room removes the oldest ones;
 * `copy` takes no lock.
 *
 * INVARIANT: bytes that a chain leads to are overwritten only after the entry was taken out of its chain and then `removals`
 * was raised. So a reader that finds `removals` as it was before it looked for the entry has copied what the entry was; any other
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
  readonly #units: number;
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
    this.#units = layout.geometry.units;
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

  /** A copy of a block. Good only if `wasQuiet` says so of the removals before. */
  copy(hash: number, table: number, block: number): Uint8Array<ArrayBuffer> | undefined {
    const unit = this.#find(hash & this.#bucketMask, table, block);
    if (unit === NONE) return undefined;
    const entry = this.#entry(unit);
    const length = this.#words[entry + EntryWord.Bytes]!;
    if (length < 0 || length > (this.#units - unit - 1) * UNIT_BYTES) return undefined;
    const start = (entry + UNIT_WORDS) * WORD_BYTES;
    // Unshared memory: `slice` makes it so.
    return this.#bytes.slice(start, start + length);
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

  fits(contents: Uint8Array): boolean {
    return unitsFor(contents) <= this.#units / FAIR_PART;
  }

  /** Keeps a block, unless it is there: what it is never changes. REQUIRES: the lock, and that it fits. */
  insert(hash: number, table: number, block: number, contents: Uint8Array): void {
    const bucket = hash & this.#bucketMask;
    if (this.#find(bucket, table, block) !== NONE) return;
    const units = unitsFor(contents);
    const unit = this.#makeRoom(units);
    const entry = this.#entry(unit);
    const words = this.#words;
    this.#bytes.set(contents, (entry + UNIT_WORDS) * WORD_BYTES);
    words[entry + EntryWord.Units] = units;
    words[entry + EntryWord.TableLow] = lowWord(table);
    words[entry + EntryWord.TableHigh] = highWord(table);
    words[entry + EntryWord.Block] = block;
    words[entry + EntryWord.Bytes] = contents.length;
    words[entry + EntryWord.Next] = words[this.#buckets + bucket]!;
    words[entry + EntryWord.Bucket] = bucket;
    Atomics.store(words, this.#buckets + bucket, unit + 1);
    this.#advanceHead(units);
    this.#add(ShardWord.Blocks, 1);
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

  /** The unit at which there is room for so many, behind a filler if need be. */
  #makeRoom(units: number): number {
    const atEnd = this.#units - this.#load(ShardWord.Head);
    const filler = atEnd < units ? atEnd : 0;
    let isRemoved = false;
    while (this.#units - this.#load(ShardWord.UsedUnits) < units + filler) {
      this.#removeOldest();
      isRemoved = true;
    }
    if (isRemoved) this.#publishRemovals();
    if (filler > 0) {
      const entry = this.#entry(this.#load(ShardWord.Head));
      this.#words[entry + EntryWord.Units] = filler;
      this.#words[entry + EntryWord.Bucket] = FILLER;
      this.#advanceHead(filler);
    }
    return this.#load(ShardWord.Head);
  }

  #removeOldest(): void {
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

/** A header, and the contents in whole units. */
function unitsFor(contents: Uint8Array): number {
  return 1 + Math.ceil(contents.length / UNIT_BYTES);
}
