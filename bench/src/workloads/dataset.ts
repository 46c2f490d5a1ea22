/**
 * Records whose key and value follow from their number, so that every value that is read back can be told from every
 * other one, whatever the run did before.
 *
 *     key    `random`: bytes that look random, the record's number among them; `ordered`: its decimal digits
 *     value  u32 record, u32 version, then bytes of which the wanted share does not compress
 */
import { Prng } from '@arena-level/common/base/prng';

export type KeyOrder = 'random' | 'ordered';

export interface DatasetShape {
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Share of a value that compression could save, 0 to 1. */
  readonly compressible: number;
  readonly order: KeyOrder;
}

/** Six random-looking bytes and the number of the record keep keys apart. */
export const MIN_KEY_BYTES = 12;
export const VALUE_HEADER_BYTES = 8;

const POOL_BYTES = 1 << 16;
const POOL_SEED = 0x5eed;

/** Thrown when an engine does not give back what it was given. */
export class WrongResult extends Error {}

export class Dataset {
  readonly shape: DatasetShape;
  readonly #pool: Buffer;
  readonly #expected: Buffer;

  constructor(shape: DatasetShape) {
    this.shape = shape;
    this.#pool = valuePool(shape.compressible, shape.valueBytes);
    this.#expected = Buffer.alloc(shape.valueBytes);
  }

  newKey(): Buffer {
    return Buffer.alloc(this.shape.keyBytes);
  }

  newValue(): Buffer {
    return Buffer.alloc(this.shape.valueBytes);
  }

  writeKey(key: Buffer, record: number): void {
    if (this.shape.order === 'ordered') writeDigits(key, record);
    else writeScrambled(key, record);
  }

  keyOf(record: number): Buffer {
    const key = this.newKey();
    this.writeKey(key, record);
    return key;
  }

  writeValue(value: Buffer, record: number, version: number): void {
    const { valueBytes } = this.shape;
    const start = (Math.imul(record, 31) + Math.imul(version, 17)) & (POOL_BYTES - 1);
    this.#pool.copy(value, VALUE_HEADER_BYTES, start, start + valueBytes - VALUE_HEADER_BYTES);
    value.writeUInt32LE(record, 0);
    value.writeUInt32LE(version >>> 0, 4);
  }

  /** Throws WrongResult unless `found` is the value of a record in this version, or, without one, in any. */
  checkValue(found: Uint8Array | undefined, record: number, version?: number): void {
    const key = (): string => this.keyOf(record).toString(this.shape.order === 'ordered' ? 'latin1' : 'hex');
    if (found === undefined) throw new WrongResult(`record ${record}, key ${key()}, was not found`);
    const bytes = Buffer.from(found.buffer, found.byteOffset, found.byteLength);
    const itsVersion = version ?? (bytes.length >= VALUE_HEADER_BYTES ? bytes.readUInt32LE(4) : 0);
    this.writeValue(this.#expected, record, itsVersion);
    if (!bytes.equals(this.#expected)) {
      throw new WrongResult(
        `record ${record}, key ${key()}, has another value than it was given: ` +
          `${bytes.subarray(0, 16).toString('hex')}… instead of ${this.#expected.subarray(0, 16).toString('hex')}…`,
      );
    }
  }
}

/** Digits in front of which zeros stand: ascending as text as the numbers are. */
function writeDigits(key: Buffer, record: number): void {
  let rest = record;
  for (let at = key.length - 1; at >= 0; at--) {
    key[at] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** Mixed 32-bit words, the second of three the number itself, so that no two records share a key. */
function writeScrambled(key: Buffer, record: number): void {
  const first = mix(record + 0x9e3779b9);
  key.writeUInt32BE(first, 0);
  key.writeUInt32BE(mix(first ^ 0x85ebca6b), 4);
  key.writeUInt32BE(record >>> 0, 8);
  let word = first;
  for (let at = MIN_KEY_BYTES; at < key.length; at++) {
    word = mix(word + at);
    key[at] = word & 0xff;
  }
}

function mix(word: number): number {
  let z = word >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** In every stretch of 32 bytes so many of one letter, the others random; one value longer than its offsets reach. */
function valuePool(compressible: number, valueBytes: number): Buffer {
  const prng = new Prng(POOL_SEED);
  const pool = Buffer.alloc(POOL_BYTES + valueBytes);
  const same = Math.round(32 * compressible);
  for (let at = 0; at < pool.length; at++) pool[at] = at % 32 < same ? 0x76 : prng.nextU32() & 0xff;
  return pool;
}
