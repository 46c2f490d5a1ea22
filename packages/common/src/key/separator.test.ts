import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { compareBytes } from '../bytes/compare.ts';
import { compareInternalKeys, makeInternalKey, userKeyOf } from './internal-key.ts';
import { shortenToSeparator, shortenToSuccessor } from './separator.ts';
import { ValueKind } from './value-kind.ts';

const SEED = Number(process.env['SEED'] ?? 20_240_501);
const SEEK_TRAILER = '01ffffffffffffff';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

function separator(key: Uint8Array, nextUserKey: Uint8Array): Uint8Array {
  const scratch = Uint8Array.from(key);
  return scratch.subarray(0, shortenToSeparator(scratch, key.length, nextUserKey, 0, nextUserKey.length));
}

function successor(key: Uint8Array): Uint8Array {
  const scratch = Uint8Array.from(key);
  return scratch.subarray(0, shortenToSuccessor(scratch, key.length));
}

describe('separators of internal keys', () => {
  const shortened = [
    { id: 'the first differing byte grows by one', key: 'foo', next: 'hello', expected: 'g' },
    { id: 'bytes behind the differing one are cut', key: 'abcdefghij', next: 'abzzz', expected: 'abd' },
    { id: 'a byte of 0x80 and above is unsigned', key: '\x80\x01', next: '\xff', expected: '\x81' },
    { id: 'the byte before 0xff may become 0xfe', key: '\xfd\x01', next: '\xff', expected: '\xfe' },
  ];
  test.each(shortened)('$id', ({ key, next, expected }) => {
    const made = separator(makeInternalKey(bytes(key), 100, ValueKind.Put), bytes(next));
    expect(hex(made)).toBe(hex(bytes(expected)) + SEEK_TRAILER);
  });

  const kept = [
    { id: 'equal user keys', key: 'foo', next: 'foo' },
    { id: 'a key that is a prefix of the next', key: 'foo', next: 'foobar' },
    { id: 'an empty key', key: '', next: 'a' },
    { id: 'neighbouring bytes leave no room', key: 'foo1x', next: 'foo2' },
    { id: 'a result that would not be shorter', key: 'foo1', next: 'foo9' },
    { id: 'the differing byte is 0xff', key: 'a\xffb', next: 'b' },
  ];
  test.each(kept)('$id: the key is kept whole', ({ key, next }) => {
    const internal = makeInternalKey(bytes(key), 100, ValueKind.Put);
    expect(hex(separator(internal, bytes(next)))).toBe(hex(internal));
  });

  test(`a separator lies at or after its key and before the next user key (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    const randomKey = (): Uint8Array =>
      Uint8Array.from({ length: prng.below(6) }, () => [0x00, 0x01, 0x7f, 0xfe, 0xff][prng.below(5)]!);
    let shorter = 0;
    for (let round = 0; round < 5_000; round++) {
      const [low, high] = [randomKey(), randomKey()].sort(compareBytes);
      const key = makeInternalKey(low!, 1 + prng.below(1_000), prng.below(2));
      const made = separator(key, high!);
      const label = `round ${round}: ${hex(low!)} to ${hex(high!)}`;
      expect(compareInternalKeys(key, made), label).toBeLessThanOrEqual(0);
      if (compareBytes(low!, high!) < 0) expect(compareBytes(userKeyOf(made), high!), label).toBeLessThan(0);
      expect(made.length, label).toBeLessThanOrEqual(key.length);
      if (made.length < key.length) shorter++;
    }
    expect(shorter).toBeGreaterThan(100);
  });
});

describe('successors of internal keys', () => {
  test.each([
    { id: 'the first byte grows by one', key: 'foo', expected: 'g' },
    { id: 'leading 0xff bytes are kept', key: '\xff\xffa1', expected: '\xff\xffb' },
  ])('$id', ({ key, expected }) => {
    const made = successor(makeInternalKey(bytes(key), 7, ValueKind.Delete));
    expect(hex(made)).toBe(hex(bytes(expected)) + SEEK_TRAILER);
  });

  test.each(['', '\xff\xff', 'a', '\xffa'])('%j has no shorter successor and is kept', (key) => {
    const internal = makeInternalKey(bytes(key), 7, ValueKind.Put);
    expect(hex(successor(internal))).toBe(hex(internal));
  });
});
