import { describe, expect, test } from 'vitest';
import type { Arena } from '../arena/arena.ts';
import { IndexKind } from '../arena/index-kind.ts';
import { Prng } from '../base/prng.ts';
import { compareNodes } from './compare-nodes.ts';
import { createMemDb } from './create-memdb.ts';
import { activeArena, encodeRecords, put } from './memdb.test-support.ts';
import type { SortedRun } from './sorted-run.ts';
import { SortedRuns } from './sorted-runs.ts';

const CHUNK = 2048;
const ENTRIES = 24 * CHUNK;

/** Built once: nothing here writes to it. */
const arena = filledArena();

function filledArena(): Arena {
  const prng = new Prng(3);
  const filled = activeArena(IndexKind.Hash, 16 * 2 ** 20);
  const memdb = createMemDb(filled);
  for (let first = 0; first < ENTRIES; first += CHUNK) {
    const records = encodeRecords(Array.from({ length: CHUNK }, () => put(`key:${prng.below(60_000)}`)));
    memdb.insert(records, 0, records.length, CHUNK, first + 1);
  }
  return filled;
}

/** Steps until there is nothing left to do. */
function finish(runs: SortedRuns, count: number): number {
  let steps = 1;
  while (runs.step(count)) steps++;
  return steps;
}

function expectToCover(runs: readonly SortedRun[], count: number): void {
  const { nodeData, kvData, firstNode } = arena;
  const seen = new Set<number>();
  for (const { nodes, digits } of runs) {
    expect(digits.length).toBe(nodes.length);
    for (let i = 0; i < nodes.length; i++) seen.add(nodes[i]!);
    for (let i = 1; i < nodes.length; i++) {
      const inOrder =
        digits[i - 1]! <= digits[i]! && compareNodes(nodeData, kvData, nodes[i - 1]!, nodes[i]!, 0) < 0;
      if (!inOrder) expect(inOrder, `node ${i} of ${nodes.length}`).toBe(true);
    }
  }
  const stride = (arena.nodeWordsUsed - firstNode) / ENTRIES;
  expect(seen.size).toBe(count);
  expect(runs.reduce((sum, run) => sum + run.nodes.length, 0)).toBe(count);
  expect([...seen].every((node) => node >= firstNode && node < firstNode + count * stride)).toBe(true);
}

describe('the sorted runs of a hash MemDB', () => {
  test('hold every entry once and in order, whatever the count', () => {
    const runs = new SortedRuns(arena);
    const counts = [0, 1, 2, 3, 255, 256, 257, 300, 600, 2047, 2048, 2049, 4096, 10_000, 10_001, 30_000];
    for (const count of counts) {
      expectToCover(runs.open(count), count);
      if (count % 2 === 0) runs.step(count);
      expectToCover(runs.open(count), count);
    }
  });

  test('sort nothing while nobody asks for order', () => {
    const runs = new SortedRuns(arena);
    for (let count = CHUNK; count <= 5 * CHUNK; count += CHUNK) runs.sortFilledChunk(count);
    expect(finish(runs, 5 * CHUNK)).toBe(5);
  });

  test('sort each chunk when it is full, once somebody has asked', () => {
    const runs = new SortedRuns(arena);
    runs.open(0);
    for (let count = CHUNK; count <= 5 * CHUNK; count += CHUNK) runs.sortFilledChunk(count);
    expect(runs.step(5 * CHUNK)).toBe(false);
    expect(runs.open(5 * CHUNK).map((run) => run.nodes.length)).toEqual(Array(5).fill(CHUNK));
  });

  test('sort at most one chunk after an insert, however large it was', () => {
    const runs = new SortedRuns(arena);
    runs.open(0);
    runs.sortFilledChunk(5 * CHUNK);
    expect(finish(runs, 5 * CHUNK)).toBe(4);
  });

  test('are merged 8 to 1, in as many steps as they have chunks', () => {
    const runs = new SortedRuns(arena);
    runs.open(8 * CHUNK);
    expect(finish(runs, 8 * CHUNK)).toBe(8);
    expect(runs.open(8 * CHUNK).map((run) => run.nodes.length)).toEqual([8 * CHUNK]);
    finish(runs, ENTRIES);
    expect(runs.open(ENTRIES).map((run) => run.nodes.length)).toEqual(Array(3).fill(8 * CHUNK));
    expectToCover(runs.open(ENTRIES), ENTRIES);
  });

  test('stay as they were handed out, while later ones take their place', () => {
    const runs = new SortedRuns(arena);
    const handedOut = runs.open(9 * CHUNK + 100);
    const copies = handedOut.map(({ nodes, digits }) => ({ nodes: nodes.slice(), digits: digits.slice() }));
    finish(runs, 20 * CHUNK);
    runs.open(20 * CHUNK + 5);
    expect(handedOut.map(({ nodes, digits }) => ({ nodes, digits }))).toEqual(copies);
  });

  test('are not sorted again where nothing was added', () => {
    const runs = new SortedRuns(arena);
    const before = runs.open(3 * CHUNK + 1000);
    expect(before).toHaveLength(4);
    expect(runs.open(3 * CHUNK + 1000)).toEqual(before);
    for (const added of [1, 2, 256]) {
      const after = runs.open(3 * CHUNK + 1000 + added);
      expect(after.slice(0, 4).every((run, i) => run === before[i])).toBe(true);
      expect(after[4]!.nodes.length).toBe(added);
    }
    expect(runs.open(3 * CHUNK + 1257).map((run) => run.nodes.length)).toEqual([CHUNK, CHUNK, CHUNK, 1257]);
  });
});
