import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import {
  type BlockEntry,
  buildBlock,
  bytes,
  compareEntries,
  hex,
  randomEntries,
  randomTarget,
  SEED,
} from './block.test-support.ts';
import type { Block } from './block.ts';
import { BEHIND_BLOCK, findInBlock } from './block-lookup.ts';

const put = (key: string, sequence = 1, value = 'v'): BlockEntry => ({
  key: bytes(key),
  sequence,
  kind: 1,
  value: bytes(value),
});

/** What a search of the entries in order finds, as `find` says it. */
function expected(entries: readonly BlockEntry[], key: Uint8Array, sequence: number): string {
  const target = { key, sequence, kind: 1, value: bytes('') };
  const entry = entries.find((one) => compareEntries(one, target) >= 0);
  if (entry === undefined) return 'behind';
  return hex(entry.key) === hex(key) ? `${entry.sequence} ${entry.kind} ${hex(entry.value)}` : 'none';
}

function find(block: Block, key: Uint8Array, sequence: number): string {
  // Not at the start of its bytes, as keys of callers need not be.
  const given = Uint8Array.of(7, 7, ...key, 7);
  const hit = findInBlock(block, given, 2, 2 + key.length, sequence);
  if (hit === undefined) return 'none';
  if (hit === BEHIND_BLOCK) return 'behind';
  const value = hit.valueBytes.subarray(hit.valueStart, hit.valueEnd);
  return `${hit.sequence} ${hit.kind} ${hex(value)}`;
}

function expectAll(entries: readonly BlockEntry[], keys: readonly string[], sequence = 9): void {
  const block = buildBlock(entries);
  // Twice: the first search of a block goes without an index.
  for (const key of [...keys, ...keys])
    expect(find(block, bytes(key), sequence), key).toBe(expected(entries, bytes(key), sequence));
}

describe('a lookup in a block', () => {
  test(`finds what a search in order finds, with an index and without (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    let indexed = 0;
    for (let round = 0; round < 300; round++) {
      const entries = randomEntries(prng, 1 + prng.below(60));
      const block = buildBlock(entries, 1 + prng.below(17));
      for (let i = 0; i < 60; i++) {
        const { key, sequence } = randomTarget(prng, entries);
        const answer = find(block, key, sequence);
        expect(answer, `SEED=${SEED} round ${round} lookup ${i}`).toBe(expected(entries, key, sequence));
        if (block.entryIndex !== undefined) indexed++;
      }
    }
    expect(indexed).toBeGreaterThan(10_000);
  });

  test('makes the index with the second search', () => {
    const block = buildBlock([put('a'), put('b')]);
    expect(block.entryIndex).toBeUndefined();
    find(block, bytes('a'), 1);
    expect(block.entryIndex).toBeUndefined();
    find(block, bytes('a'), 1);
    expect(block.entryIndex).toHaveLength(2 + 2);
  });

  test('keys that begin alike: in short, in more bytes than a number holds, and with all they have', () => {
    const probes = ['', 'u', 'user:1', 'user:1000', 'user:1001', 'user:1002', 'user:9', 'v'];
    expectAll([put('user:1000'), put('user:1001'), put('user:1003')], probes);
    expectAll([put('user:1000')], probes);
    expectAll([put('u1'), put('u2'), put('u3')], ['', 'u', 'u0', 'u1', 'u11', 'u4', 't', 'v']);
    expectAll(
      [put('k'), put('k\0'), put('k\0\0'), put('k\0\0\0\0\0')],
      ['k', 'k\0', 'k\0\0\0', 'k\0\0\0\0\0'],
    );
  });

  test('versions of one key beside another, and at the end of the block', () => {
    const entries = [put('a', 5), put('k', 8), put('k', 3), put('z', 7), put('z', 2)];
    for (const sequence of [1, 2, 3, 5, 7, 8, 9]) expectAll(entries, ['a', 'k', 'l', 'z'], sequence);
  });

  test('keys that differ only behind the word', () => {
    const entries = ['prefix-aaaa1', 'prefix-aaaa2', 'prefix-bbbb1', 'prefix-cccc1'].map((key) => put(key));
    expectAll(entries, [
      ...entries.map(({ key }) => Buffer.from(key).toString()),
      'prefix-bbbb2',
      'prefix-bbbb',
    ]);
  });

  test('a block larger than the index can name offsets in is searched without one', () => {
    const entries = [put('a', 1, 'x'.repeat(2 ** 21)), put('b'), put('c')];
    const block = buildBlock(entries);
    for (let i = 0; i < 3; i++) expect(find(block, bytes('c'), 1)).toBe(`1 1 ${hex(bytes('v'))}`);
    expect(block.entryIndex).toBeUndefined();
  });
});
