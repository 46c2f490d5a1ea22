import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { commonPrefixLength, compareBytes } from '../bytes/compare.ts';
import { sharedKeyBytes, writeKeyWords } from './key-words.ts';
import { bytesOf, HostileKeys } from './memdb.test-support.ts';
import { RunPrefix } from './run-prefix.ts';

const SEED = Number(process.env['SEED'] ?? 11);

interface NumberedKey {
  readonly key: Uint8Array;
  readonly numbers: readonly number[];
  /** Bytes that keys of the same numbers are said to share. */
  readonly shared: number;
}

/** The two ways of turning the beginning of a key into numbers, for keys of which many share `prefix`. */
const schemes = [
  {
    id: 'the words of a skiplist node',
    numbersOf(key: Uint8Array, prefix: string): NumberedKey {
      const words = new Int32Array(3);
      writeKeyWords(words, 1, bytesOf(prefix), key, 0, key.length);
      const numbers = [words[1]!, words[2]!];
      return { key, numbers, shared: sharedKeyBytes(numbers[0]!, numbers[1]!, prefix.length) };
    },
  },
  {
    id: 'the number of a key in sorted runs',
    numbersOf(key: Uint8Array, prefix: string): NumberedKey {
      const both = bytesOf(`${prefix}a${prefix}b`);
      const runPrefix = new RunPrefix(both, 0, prefix.length + 1, prefix.length + 1, both.length);
      const digits = runPrefix.of(key, 0, key.length);
      return { key, numbers: [digits], shared: runPrefix.sharedBytes(digits) };
    },
  },
];

describe.each(schemes)('$id', ({ numbersOf }) => {
  test.each(['', 'p', '!users!'])(
    `never contradict the order of keys, with the prefix '%s' (seed ${SEED})`,
    (prefix) => {
      const prng = new Prng(SEED);
      const keys = new HostileKeys(prng, prefix);
      for (let i = 0; i < 4000; i++) {
        const left = numbersOf(bytesOf(keys.next()), prefix);
        const right = numbersOf(bytesOf(keys.neighbour()), prefix);
        const byKey = Math.sign(compareBytes(left.key, right.key));
        const at = left.numbers.findIndex((number, index) => number !== right.numbers[index]);
        const common = commonPrefixLength(left.key, 0, left.key.length, right.key, 0, right.key.length);
        const agrees =
          at >= 0 ? Math.sign(left.numbers[at]! - right.numbers[at]!) === byKey : left.shared <= common;
        if (!agrees)
          expect.fail(`seed ${SEED}: ${left.key} is ${left.numbers}, ${right.key} is ${right.numbers}`);
      }
    },
  );

  test('tell keys apart that differ in the first bytes behind the prefix', () => {
    const keys = ['p', 'p\0\0\0\0\0a', 'pa', 'paaaaa', 'pab', 'p\xff', 'q'].map((key) =>
      numbersOf(bytesOf(key), 'p'),
    );
    for (let i = 1; i < keys.length; i++) expect(keys[i]!.numbers).not.toEqual(keys[i - 1]!.numbers);
  });
});
