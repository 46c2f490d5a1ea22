import { describe, expect, test } from 'vitest';
import { IndexKind } from '../arena/index-kind.ts';
import { Prng } from '../base/prng.ts';
import { createMemDb } from './create-memdb.ts';
import { activeArena, encodeRecords, expectLines, lineAt, MemDbModel, put } from './memdb.test-support.ts';
import type { MemDb } from './memdb.ts';
import { sortNodes } from './sort-nodes.ts';

const SEED = Number(process.env['SEED'] ?? 99);
const prng = new Prng(SEED);

function memdbOf(keys: readonly string[], model: MemDbModel): MemDb {
  const writes = keys.map((key) => put(key));
  const records = encodeRecords(writes);
  const memdb = createMemDb(activeArena(IndexKind.Hash, 4096 + records.length * 4 + 100 * keys.length));
  memdb.insert(records, 0, records.length, writes.length, 1);
  model.insert(writes, 1);
  return memdb;
}

function shuffled(keys: readonly string[]): string[] {
  const copy = [...keys];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

function times(count: number, make: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

const byte = (): string => String.fromCharCode(prng.below(256));
const ascending = times(3000, (i) => `user:${String(i).padStart(11, '0')}`);

describe('sortNodes', () => {
  test.each([
    { id: 'no keys', keys: [] },
    { id: 'one key', keys: ['a'] },
    { id: 'random bytes', keys: times(3000, () => byte() + byte() + byte() + byte() + byte() + byte()) },
    { id: 'ascending keys', keys: ascending },
    { id: 'descending keys', keys: ascending.toReversed() },
    {
      id: 'keys that differ behind a long common prefix',
      keys: shuffled(ascending.map((key) => 'p'.repeat(300) + key)),
    },
    { id: 'versions of one key', keys: times(5000, () => 'one') },
    { id: 'versions of the empty key', keys: times(100, () => '') },
    {
      id: 'versions of two keys of which one is the other padded',
      keys: times(5000, () => (prng.oneIn(2) ? 'a' : 'a\0')),
    },
    {
      id: 'zero-padded neighbours in many versions',
      keys: times(4000, () => `a${'\0'.repeat(prng.below(14))}`),
    },
    {
      id: 'zero-padded neighbours with tails',
      keys: times(4000, () => `${'\0'.repeat(prng.below(14))}${prng.oneIn(3) ? byte() : ''}`),
    },
    {
      id: 'the greatest bytes',
      keys: times(2000, () => '\xff'.repeat(prng.below(14)) + (prng.oneIn(3) ? byte() : '')),
    },
    {
      id: 'each key the prefix of the next, thousands deep',
      keys: shuffled(times(1500, (i) => 'y'.repeat(3 * i))),
    },
    {
      id: 'a few long keys among many short ones',
      keys: shuffled([...times(2000, () => byte()), ...times(30, () => 'z'.repeat(5000) + byte())]),
    },
    {
      id: 'pairs that differ in their last byte',
      keys: shuffled(ascending.flatMap((key) => [`${key}a`, `${key}b`])),
    },
    {
      id: 'pairs of equal windows',
      keys: shuffled(times(1000, (i) => String(10_000 + i)).flatMap((key) => [`${key}a`, `${key}b`])),
    },
    {
      id: 'ties of every size around the limit of insertion sort',
      keys: shuffled(
        times(16, (i) => `tie${'abcdefghijklmnop'[i]}`).flatMap((key, i) =>
          times(i + 2, (j) => `${key}xxxxx${prng.below(3)}${j % 2}`),
        ),
      ),
    },
  ])(`puts $id in order (seed ${SEED})`, ({ keys }) => {
    const model = new MemDbModel();
    const memdb = memdbOf(keys, model);
    const { nodeData, kvData, firstNode } = memdb.arena;
    const nodes = sortNodes(nodeData, kvData, firstNode, keys.length);
    expectLines(
      Array.from(nodes, (node) => lineAt(memdb, node)),
      model.lines(),
    );
  });

  test(`sorts part of the entries, whatever stands around them (seed ${SEED})`, () => {
    const model = new MemDbModel();
    const memdb = memdbOf(
      times(500, () => byte() + byte()),
      model,
    );
    const { nodeData, kvData, firstNode } = memdb.arena;
    const stride = (memdb.arena.nodeWordsUsed - firstNode) / 500;
    const nodes = sortNodes(nodeData, kvData, firstNode + 100 * stride, 300);
    const part = new MemDbModel();
    part.insert(model.entries.slice(100, 400), 101);
    expectLines(
      Array.from(nodes, (node) => lineAt(memdb, node)),
      part.lines(),
    );
  });

  test('refuses more entries than a number of 24 bits counts', () => {
    expect(() => sortNodes(new Int32Array(0), new Uint8Array(0), 1, 2 ** 24 + 1)).toThrow(/24 bits/);
  });
});
