/** Entries for the micro benchmarks: keys of three shapes, values of 100 bytes, half of them compressible. */
import { Prng } from '@arena-level/common/base/prng';
import { encodePutRecord, putRecordBytes } from '@arena-level/common/key/batch-record';

export const KEY_SHAPES = ['random', 'decimal', 'ascending'] as const;
/**
 * `random`: 16 random bytes. `decimal`: `user:` and 11 digits in random order. `ascending`: the same digits in order.
 */
export type KeyShape = (typeof KEY_SHAPES)[number];

export const VALUE_BYTES = 100;
export const KEY_BYTES = 16;
export const RECORD_BYTES: number = putRecordBytes(KEY_BYTES, VALUE_BYTES);

const SEED = 20251107;

export interface Entries {
  readonly count: number;
  readonly keys: readonly Buffer[];
  readonly values: readonly Buffer[];
  /** All as batch records, one behind the other, RECORD_BYTES each. */
  readonly records: Uint8Array<ArrayBuffer>;
  /** What all keys begin with. */
  readonly commonPrefix: Uint8Array;
}

export function makeEntries(shape: KeyShape, count: number): Entries {
  const prng = new Prng(SEED);
  const order = Array.from({ length: count }, (_, at) => at);
  if (shape === 'decimal') shuffle(order, prng);
  const keys = order.map((number) => makeKey(shape, number, prng));
  const values = order.map(() => makeValue(prng));
  const records = new Uint8Array(count * RECORD_BYTES);
  let end = 0;
  for (let at = 0; at < count; at++) end = encodePutRecord(records, end, keys[at]!, values[at]!);
  return { count, keys, values, records, commonPrefix: commonPrefix(keys) };
}

function makeKey(shape: KeyShape, number: number, prng: Prng): Buffer {
  if (shape !== 'random') return Buffer.from(`user:${String(number).padStart(11, '0')}`);
  const key = Buffer.allocUnsafeSlow(KEY_BYTES);
  for (let at = 0; at < KEY_BYTES; at += 4) key.writeUInt32BE(prng.nextU32(), at);
  return key;
}

function commonPrefix(keys: readonly Buffer[]): Uint8Array {
  const first = keys[0]!;
  let length = first.length;
  for (const key of keys) while (!key.subarray(0, length).equals(first.subarray(0, length))) length--;
  return first.subarray(0, length);
}

function makeValue(prng: Prng): Buffer {
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  for (let at = 0; at < VALUE_BYTES / 2 - 4; at += 4) value.writeUInt32BE(prng.nextU32(), at);
  return value;
}

/** Fisher and Yates. */
export function shuffle(list: number[], prng: Prng): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = prng.below(at + 1);
    const kept = list[at]!;
    list[at] = list[other]!;
    list[other] = kept;
  }
}
