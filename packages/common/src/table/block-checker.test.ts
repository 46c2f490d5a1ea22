import { describe, expect, test } from 'vitest';
import { ErrorCode, isEngineError } from '../base/errors.ts';
import { Prng } from '../base/prng.ts';
import { Block } from '../block/block.ts';
import { BlockBuilder } from '../block/block-builder.ts';
import { BlockIterator } from '../block/block-iterator.ts';
import { compareInternalKeys, makeInternalKey } from '../key/internal-key.ts';
import { BlockChecker } from './block-checker.ts';
import { bytes, randomEntries, SEED } from './table.test-support.ts';

const checker = new BlockChecker();

function blockWith(keys: readonly Uint8Array[], restartInterval: number): Uint8Array<ArrayBuffer> {
  const builder = new BlockBuilder(restartInterval);
  for (const key of keys) builder.add(key, 0, key.length, bytes('value'), 0, 5);
  builder.finish();
  return builder.buffer.slice(builder.start, builder.end);
}

const check = (contents: Uint8Array<ArrayBuffer>): void => checker.check(new Block(contents, 'table', 9));
const key = (text: string, sequence = 5, kind = 1): Uint8Array =>
  makeInternalKey(bytes(text), sequence, kind);

/** The keys of a block, forwards, or undefined when reading it fails. */
function scan(contents: Uint8Array<ArrayBuffer>): Uint8Array[] | undefined {
  try {
    const iterator = new BlockIterator();
    iterator.attach(new Block(contents, 'table', 9));
    const keys: Uint8Array[] = [];
    for (iterator.first(); iterator.valid; iterator.next()) {
      keys.push(
        makeInternalKey(iterator.keyBytes.slice(0, iterator.keyEnd), iterator.sequence, iterator.kind),
      );
    }
    return keys;
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return undefined;
  }
}

describe('the check of a data block', () => {
  test(`passes what the builder writes, and tells the first key and the last (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 200; round++) {
      const entries = randomEntries(prng, 1 + prng.below(60));
      const keys = entries.map((entry) => makeInternalKey(entry.key, entry.sequence, entry.kind));
      const contents = blockWith(keys, 1 + prng.below(20));
      check(contents);
      expect(contents.slice(checker.firstStart, checker.firstEnd)).toEqual(keys[0]);
      expect(checker.lastKey.slice(0, checker.lastEnd)).toEqual(keys.at(-1));
    }
  });

  test.each([
    { id: 'a key twice', keys: [key('a'), key('a')], what: /sort after/ },
    { id: 'keys that descend', keys: [key('b'), key('a')], what: /sort after/ },
    { id: 'a prefix behind the longer key', keys: [key('aa'), key('a')], what: /sort after/ },
    { id: 'versions that ascend', keys: [key('a', 5), key('a', 6)], what: /sort after/ },
    {
      id: 'a put behind the deletion of its number',
      keys: [key('a', 5, 0), key('a', 5, 1)],
      what: /sort after/,
    },
    { id: 'versions that ascend by 2^32', keys: [key('a', 5), key('a', 2 ** 40)], what: /sort after/ },
    { id: 'a kind that nobody knows', keys: [key('a', 5, 2)], what: /unknown kind 2/ },
    { id: 'a key without a trailer', keys: [bytes('short')], what: /shorter than its trailer/ },
  ])('refuses $id, at any restart interval', ({ keys, what }) => {
    for (const interval of [1, 2, 16]) {
      expect(() => check(blockWith([key('0'), ...keys], interval))).toThrow(
        expect.objectContaining({
          code: ErrorCode.Corruption,
          file: 'table',
          offset: 9,
          message: expect.stringMatching(what),
        }),
      );
    }
  });

  test('does not support sequence numbers from 2^53 on', () => {
    const beyond = key('a');
    beyond.fill(0, 1);
    beyond[8] = 0x20;
    expect(() => check(blockWith([beyond], 1))).toThrow(
      expect.objectContaining({ code: ErrorCode.NotSupported, file: 'table', offset: 9 }),
    );
    beyond[8] = 0x1f;
    check(blockWith([beyond], 1));
  });

  test(`passes no damaged block whose keys do not ascend, and none that cannot be read (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    let passed = 0;
    for (let round = 0; round < 20_000; round++) {
      const keys = randomEntries(prng, 1 + prng.below(8)).map((one) =>
        makeInternalKey(one.key, one.sequence, one.kind),
      );
      const contents = blockWith(keys, 1 + prng.below(4));
      for (let n = 1 + prng.below(2); n > 0; n--) contents[prng.below(contents.length)] = prng.below(256);
      try {
        check(contents);
      } catch (error) {
        if (!isEngineError(error)) throw error;
        continue;
      }
      passed++;
      const found = scan(contents);
      const ascends = found?.every((one, i) => i === 0 || compareInternalKeys(found[i - 1]!, one) < 0);
      if (ascends !== true) expect.fail(`round ${round}: ${Buffer.from(contents).toString('hex')}`);
    }
    expect(passed).toBeGreaterThan(1_000);
  });
});
