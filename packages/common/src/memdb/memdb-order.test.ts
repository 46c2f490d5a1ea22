import { describe, expect, test } from 'vitest';
import { IndexKind } from '../arena/index-kind.ts';
import {
  HASH_NODE_HASH,
  HeaderWord,
  NODE_KEY_LENGTH,
  NODE_KEY_OFFSET,
  NODE_SEQUENCE_DELTA,
  NODE_VALUE_LENGTH,
  SKIP_NODE_PREFIX_HIGH,
  SKIP_NODE_PREFIX_LOW,
} from '../arena/layout.ts';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import type { InternalIterator } from '../iterator/internal-iterator.ts';
import { attachMemDb, createMemDb } from './create-memdb.ts';
import {
  activeArena,
  backwards,
  bytesOf,
  compareEntries,
  currentLine,
  del,
  encodeRecords,
  expectLines,
  findLine,
  forwards,
  HostileKeys,
  insertBoth,
  lineAt,
  lineOf,
  MemDbModel,
  type ModelEntry,
  put,
  type Write,
} from './memdb.test-support.ts';
import type { MemDb, MemDbReader } from './memdb.ts';
import { orderedNodes } from './ordered-nodes.ts';

const SEED = Number(process.env['SEED'] ?? 20_240_607);
/** Words of a node that a reader does not look at before the node is published. */
const WORDS_NOT_BELIEVED = {
  hash: [NODE_KEY_OFFSET, NODE_KEY_LENGTH, NODE_VALUE_LENGTH, NODE_SEQUENCE_DELTA, HASH_NODE_HASH],
  skiplist: [
    NODE_KEY_OFFSET,
    NODE_KEY_LENGTH,
    NODE_VALUE_LENGTH,
    NODE_SEQUENCE_DELTA,
    SKIP_NODE_PREFIX_HIGH,
    SKIP_NODE_PREFIX_LOW,
  ],
};
const kinds = Object.values(IndexKind).map((kind) => ({ kind }));

describe.each(kinds)('the order of a MemDB of kind $kind', ({ kind }) => {
  test.each([
    { id: 'no common prefix', commonPrefix: '', hint: '' },
    { id: 'a common prefix that it is told', commonPrefix: '!users!', hint: '!users!' },
    { id: 'a common prefix that it is not told', commonPrefix: '!users!', hint: '' },
    { id: 'a common prefix other than the one it is told', commonPrefix: '!users!', hint: '!usages' },
  ])(`answers like a sorted list, with keys that have $id (seed ${SEED})`, ({ commonPrefix, hint }) => {
    for (let round = 0; round < 5; round++) {
      const seed = SEED + round;
      const prng = new Prng(seed);
      const base = prng.oneIn(2) ? 0 : 2 ** 40 + prng.nextU32();
      const memdb = createMemDb(activeArena(kind, 256 * 1024, base, hint));
      const keys = new HostileKeys(prng, commonPrefix);
      const model = new MemDbModel();
      for (let step = 0; step < 50; step++) {
        insertSome(memdb, model, keys, prng, base, 1 + prng.below(prng.oneIn(10) ? 900 : 30));
        checkFinds(memdb, model, keys, prng, seed);
        if (prng.oneIn(3)) checkMoves(memdb.iterator(), model.sorted(), keys, prng, seed);
        if (prng.oneIn(5)) memdb.orderStep();
      }
      const lines = model.lines();
      expect(
        Array.from(orderedNodes(memdb), (node) => lineAt(memdb, node)),
        `seed ${seed}`,
      ).toEqual(lines);
      expectLines(forwards(memdb.iterator()), lines, `seed ${seed}`);
      expectLines(backwards(memdb.iterator()), lines.toReversed(), `seed ${seed}`);
    }
  });

  test(`shows an iterator what was published when it was opened, through inserts and ordering (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const memdb = createMemDb(activeArena(kind, 2 ** 20));
    const keys = new HostileKeys(prng, 'p');
    const model = new MemDbModel();
    const open: { iterator: InternalIterator; count: number }[] = [];
    for (let step = 0; step < 100; step++) {
      if (prng.oneIn(3)) open.push({ iterator: memdb.iterator(), count: memdb.count });
      insertSome(memdb, model, keys, prng, 0, 1 + prng.below(150));
      if (prng.oneIn(3)) memdb.orderStep();
      if (prng.oneIn(4) && open.length > 0) {
        const { iterator, count } = open[prng.below(open.length)]!;
        checkMoves(iterator, model.sorted(count), keys, prng, SEED);
      }
    }
    expect(open.length).toBeGreaterThan(10);
    for (const { iterator, count } of open)
      expectLines(forwards(iterator), model.lines(count), `seed ${SEED}`);
  });

  test(`stays in order while twenty thousand entries are ordered in steps (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const memdb = createMemDb(activeArena(kind, 2 * 2 ** 20));
    const model = new MemDbModel();
    let middle: InternalIterator | undefined;
    while (memdb.count < 20_000) {
      const writes: Write[] = [];
      for (let i = 0; i < 500; i++) writes.push(put(`key:${prng.below(15_000)}`, String(i)));
      insertBoth(memdb, model, writes, 1 + memdb.count);
      if (memdb.count > 8_000 && prng.oneIn(2)) memdb.orderStep();
      if (memdb.count === 12_500) middle = memdb.iterator();
    }
    let steps = 0;
    while (memdb.orderStep()) expect(steps++).toBeLessThan(100);
    expect(memdb.orderStep()).toBe(false);
    const lines = model.lines();
    const iterator = memdb.iterator();
    expectLines(forwards(iterator), lines);
    expectLines(backwards(iterator), lines.toReversed());
    expectLines(forwards(middle!), model.lines(12_500));
    checkMoves(iterator, model.sorted(), new HostileKeys(prng, 'key:'), prng, SEED);
  });

  test('keeps thousands of versions of one key in order, newest first', () => {
    const memdb = createMemDb(activeArena(kind, 2 ** 20));
    const model = new MemDbModel();
    insertBoth(memdb, model, [put('a'), put('z')], 1);
    for (let i = 0; i < 5; i++) {
      insertBoth(
        memdb,
        model,
        Array.from({ length: 1000 }, (_, j) => put('counter', `${j}`)),
        3 + 1000 * i,
      );
      expectLines(forwards(memdb.iterator()), model.lines());
    }
    expect(findLine(memdb, 'counter', MAX_SEQUENCE)).toBe('counter#5002,PUT=999');
    expect(findLine(memdb, 'counter', 3)).toBe('counter#3,PUT=0');
    expect(findLine(memdb, 'counter', 2)).toBeUndefined();
  });

  test(`sees nothing of entries that are linked but not published (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const arena = activeArena(kind, 64 * 1024, 0, 'k');
    const memdb = createMemDb(arena);
    const model = new MemDbModel();
    insertSome(memdb, model, new HostileKeys(prng, 'k'), prng, 0, 300);
    const nodes = orderedNodes(memdb).sort((left, right) => left - right);
    for (let count = 299; count >= 0; count -= 1 + prng.below(20)) {
      // What a reader on another thread meets in the middle of an insert, with the worst in all words but the links.
      arena.header[HeaderWord.VisibleCount] = count;
      for (const node of nodes.subarray(count)) {
        for (const word of WORDS_NOT_BELIEVED[kind]) arena.nodeData[node + word] = 0x7ead_beef;
      }
      const reader = attachMemDb(arena);
      expectLines(forwards(reader.iterator()), model.lines(count), `${count} entries,`);
      expectLines(backwards(reader.iterator()), model.lines(count).toReversed(), `${count} entries,`);
      const lastSequence = model.entries[count - 1]?.sequence ?? 0;
      for (const { key } of model.entries) {
        expect(findLine(reader, key, MAX_SEQUENCE)).toBe(model.find(key, lastSequence));
      }
    }
  });
});

/** Inserts `entries` random writes if they fit, sometimes leaving a gap in the sequence numbers. */
function insertSome(
  memdb: MemDb,
  model: MemDbModel,
  keys: HostileKeys,
  prng: Prng,
  base: number,
  entries: number,
): void {
  const writes: Write[] = [];
  for (let i = 0; i < entries; i++) {
    const key = keys.next();
    writes.push(prng.oneIn(4) ? del(key) : put(key, 'v'.repeat(prng.below(20))));
  }
  if (!memdb.fits(encodeRecords(writes).length, entries)) return;
  const last = model.entries.at(-1)?.sequence ?? base;
  insertBoth(memdb, model, writes, last + 1 + (prng.oneIn(5) ? prng.below(10) : 0));
}

function checkFinds(
  memdb: MemDbReader,
  model: MemDbModel,
  keys: HostileKeys,
  prng: Prng,
  seed: number,
): void {
  for (let i = 0; i < 10; i++) {
    const key = prng.oneIn(2) ? keys.next() : keys.neighbour();
    const sequence = prng.oneIn(3) ? MAX_SEQUENCE : model.entries[prng.below(model.entries.length)]!.sequence;
    const found = findLine(memdb, key, sequence);
    const expected = model.find(key, sequence);
    if (found !== expected) expect(found, `seed ${seed}, key ${key}, sequence ${sequence}`).toBe(expected);
  }
}

/** Random moves, with every change of direction, beside the same moves over a sorted list. */
function checkMoves(
  iterator: InternalIterator,
  sorted: readonly ModelEntry[],
  keys: HostileKeys,
  prng: Prng,
  seed: number,
): void {
  let position = -1;
  for (let i = 0; i < 60; i++) {
    const move = position < 0 || position >= sorted.length ? prng.below(4) : prng.below(12);
    if (move === 0) {
      iterator.first();
      position = 0;
    } else if (move === 1) {
      iterator.last();
      position = sorted.length - 1;
    } else if (move < 4) {
      const key = prng.oneIn(2) ? keys.next() : keys.neighbour();
      const sequence = prng.oneIn(2) ? MAX_SEQUENCE : (sorted[prng.below(sorted.length)]?.sequence ?? 0);
      const bytes = bytesOf(key);
      const bound = lowerBound(sorted, { key, sequence, value: undefined });
      if (move === 2) iterator.seek(bytes, 0, bytes.length, sequence);
      else iterator.seekBefore(bytes, 0, bytes.length, sequence);
      position = move === 2 ? bound : bound - 1;
    } else if (move < 8) {
      iterator.next();
      position++;
    } else {
      iterator.prev();
      position--;
    }
    const entry = sorted[position];
    const expected = entry && lineOf(entry);
    const arrived = iterator.valid ? currentLine(iterator) : undefined;
    if (arrived !== expected) expect(arrived, `seed ${seed}, move ${i}`).toBe(expected);
  }
}

function lowerBound(sorted: readonly ModelEntry[], place: ModelEntry): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareEntries(sorted[middle]!, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
