import type { Prng } from '@arena-level/common/base/prng';
import { writeU32LE, writeU64LE } from '@arena-level/common/bytes/endian';
import { encodeVarint32, encodeVarint64 } from '@arena-level/common/bytes/varint';

/** Lengths, counts and offsets that have been wrong somewhere before. */
const INTERESTING_U32: readonly number[] = [
  0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff,
  0x8000_0000, 0xffff_fff0, 0xffff_ffff,
];
const INTERESTING_U53: readonly number[] = [
  ...INTERESTING_U32,
  2 ** 32,
  2 ** 40,
  2 ** 52,
  Number.MAX_SAFE_INTEGER,
];
/** More than fits in the varint that is asked for, or never ends. */
const BAD_VARINTS: readonly (readonly number[])[] = [
  [0xff, 0xff, 0xff, 0xff, 0x1f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];
const MAX_INPUT_BYTES = 200_000;

/** Changes inputs in the ways in which files go wrong, and in those that someone would choose. */
export class Mutator {
  readonly prng: Prng;

  constructor(prng: Prng) {
    this.prng = prng;
  }

  /** One of several. REQUIRES: not empty. */
  pick<T>(values: readonly T[]): T {
    return values[this.prng.below(values.length)]!;
  }

  random(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.prng.below(256));
  }

  /** A changed copy; parts of `other` may be in it. */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
    let bytes = new Uint8Array(input);
    for (let n = 1 + this.prng.below(3); n > 0; n--) bytes = this.#step(bytes, other);
    return bytes.subarray(0, MAX_INPUT_BYTES).slice();
  }

  /** A change that moves nothing. */
  overwrite(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (bytes.length === 0) return bytes;
    const at = this.prng.below(bytes.length);
    switch (this.prng.below(6)) {
      case 0:
        bytes[at]! ^= 1 << this.prng.below(8);
        break;
      case 1:
        bytes[at] = this.prng.below(256);
        break;
      case 2:
        this.#put(bytes, at, (target) => writeU32LE(target, 0, this.pick(INTERESTING_U32)), 4);
        break;
      case 3:
        this.#put(bytes, at, (target) => writeU64LE(target, 0, this.pick(INTERESTING_U53)), 8);
        break;
      case 4:
        bytes.set(this.#varint().subarray(0, bytes.length - at), at);
        break;
      default:
        bytes.fill(this.pick([0, 0xff]), at, at + this.prng.below(40));
    }
    return bytes;
  }

  #step(bytes: Uint8Array<ArrayBuffer>, other: Uint8Array): Uint8Array<ArrayBuffer> {
    const { prng } = this;
    const [from, to] = this.#range(bytes.length);
    switch (prng.below(12)) {
      case 0:
        return bytes.slice(0, from);
      case 1:
        return concat(bytes.subarray(0, from), bytes.subarray(to));
      case 2:
        return concat(bytes.subarray(0, from), this.random(prng.below(20)), bytes.subarray(from));
      case 3:
        return concat(bytes.subarray(0, to), bytes.subarray(from, to), bytes.subarray(to));
      case 4: {
        const [otherFrom, otherTo] = this.#range(other.length);
        return prng.oneIn(2)
          ? concat(bytes.subarray(0, from), other.subarray(otherFrom))
          : concat(bytes.subarray(0, from), other.subarray(otherFrom, otherTo), bytes.subarray(to));
      }
      case 5:
        return concat(
          bytes.subarray(0, from),
          this.#varint(),
          bytes.subarray(Math.min(from + 1, bytes.length)),
        );
      default:
        return this.overwrite(bytes);
    }
  }

  #range(length: number): [from: number, to: number] {
    const from = this.prng.below(length + 1);
    const most = this.prng.oneIn(4) ? length - from : Math.min(length - from, 16);
    return [from, from + this.prng.below(most + 1)];
  }

  #varint(): Uint8Array {
    if (this.prng.oneIn(4)) return Uint8Array.from(this.pick(BAD_VARINTS));
    const target = new Uint8Array(10);
    const end = this.prng.oneIn(2)
      ? encodeVarint32(target, 0, this.pick(INTERESTING_U32))
      : encodeVarint64(target, 0, this.pick(INTERESTING_U53));
    return target.subarray(0, end);
  }

  #put(bytes: Uint8Array, at: number, write: (target: Uint8Array) => void, length: number): void {
    const target = new Uint8Array(length);
    write(target);
    bytes.set(target.subarray(0, bytes.length - at), at);
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}
