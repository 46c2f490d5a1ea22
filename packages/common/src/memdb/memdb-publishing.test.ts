/**
 * What threads that read may see of an insert, at every moment of it: no thread is needed for that, and no luck. The
 * order of the stores is the program's; that other processors see them in this order is what atomic stores are for, so that
 * each that publishes something must be one.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Arena, attachArena } from '../arena/arena.ts';
import { IndexKind } from '../arena/index-kind.ts';
import {
  HASH_NODE_WORDS,
  HeaderWord,
  SKIP_HEIGHT_BITS,
  SKIP_NODE_ENTRY,
  SKIP_NODE_NEXT,
} from '../arena/layout.ts';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { attachMemDb, createMemDb } from './create-memdb.ts';
import {
  activeArena,
  encodeRecords,
  findLine,
  forwards,
  lineOf,
  MemDbModel,
  type Write,
} from './memdb.test-support.ts';
import type { MemDbReader } from './memdb.ts';
import { type RecordedStore, recordStores } from './recorded-arena.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 5);
const BASE_SEQUENCE = 500;
const ENTRIES = 60;
const KEYS = ['key', 'key:a', 'key:b', 'key:b\0', 'l'];

/** A batch of few keys with many versions; one in four values is copied in one go. */
function randomBatch(prng: Prng): Write[] {
  return Array.from({ length: 1 + prng.below(4) }, () => ({
    key: KEYS[prng.below(KEYS.length)]!,
    value: prng.oneIn(5) ? undefined : 'v'.repeat(prng.oneIn(4) ? 80 : prng.below(6)),
  }));
}

/** Inserts batches into a MemDB with one more thread's worth of eyes: `look` is called after each store. */
function insertWatched(
  arena: Arena,
  look: (store: RecordedStore) => void,
  begin: (batch: readonly Write[], firstSequence: number) => void,
): void {
  const prng = new Prng(SEED);
  onTestFinished(recordStores(arena, look));
  const memdb = createMemDb(arena);
  memdb.publishLinksAtomically = true;
  while (memdb.count < ENTRIES) {
    const batch = randomBatch(prng);
    const records = encodeRecords(batch);
    const first = BASE_SEQUENCE + 1 + memdb.count;
    begin(batch, first);
    memdb.insert(records, 0, records.length, batch.length, first);
  }
}

/** What is wrong with what a reader is shown, of whose first `count` entries all must be there and no other. */
function problemOf(reader: MemDbReader, model: MemDbModel): string | undefined {
  const { count } = reader;
  const visible = model.entries.slice(0, count);
  if (reader.lastSequence > BASE_SEQUENCE + count) return `${reader.lastSequence} is told before it is there`;
  for (const key of KEYS) {
    const versions = visible.filter((entry) => entry.key === key);
    for (const sequence of [...versions.map((entry) => entry.sequence), MAX_SEQUENCE]) {
      const newest = versions.findLast((entry) => entry.sequence <= sequence);
      const expected = newest && lineOf(newest);
      const found = findLine(reader, key, sequence);
      if (found !== expected) return `${count} entries, ${key}#${sequence}: ${found}, not ${expected}`;
    }
  }
  const lines = forwards(reader.iterator()).join('\n');
  const expected = model.lines(count).join('\n');
  return lines === expected ? undefined : `${count} entries in order: ${lines}, not ${expected}`;
}

describe.each(Object.values(IndexKind))('an insert into a %s MemDB', (kind) => {
  test(`shows, behind each of its stores, what was there before or all of it (seed ${SEED})`, () => {
    const arena = activeArena(kind, 1 << 14, BASE_SEQUENCE, 'key');
    const reader = attachMemDb(attachArena(arena.shared, { generation: arena.generation }));
    const model = new MemDbModel();
    const counts = new Set<number>();
    const problems: string[] = [];
    let stores = 0;
    let allowed: readonly number[] = [];
    insertWatched(
      arena,
      ({ view, at }) => {
        stores++;
        counts.add(reader.count);
        if (!allowed.includes(reader.count)) problems.push(`${reader.count} entries, half a batch`);
        const problem = problemOf(reader, model);
        if (problem !== undefined) problems.push(`behind the store to ${view}[${at}]: ${problem}`);
      },
      (batch, first) => {
        allowed = [model.entries.length, model.entries.length + batch.length];
        model.insert(batch, first);
      },
    );
    expect(problems.slice(0, 3)).toEqual([]);
    expect(stores).toBeGreaterThan(10 * ENTRIES);
    expect(counts).toContain(model.entries.length);
  });

  test(`publishes with atomic stores, and changes nothing that is published (seed ${SEED})`, () => {
    const arena = activeArena(kind, 1 << 14, BASE_SEQUENCE, 'key');
    const real = { nodeData: arena.nodeData, kvData: arena.kvData };
    const published = {
      nodeData: new Uint8Array(real.nodeData.length),
      kvData: new Uint8Array(real.kvData.length),
    };
    // What leads to the first nodes: the buckets, or the head.
    published.nodeData.fill(1, 0, arena.firstNode);
    const reader = attachMemDb(attachArena(arena.shared, { generation: arena.generation }));
    const problems: string[] = [];
    let links = 0;
    insertWatched(
      arena,
      ({ view, at, length, isAtomic, value }) => {
        const name = `${isAtomic ? 'atomic' : 'plain'} store to ${view}[${at}]`;
        if (view === 'header') {
          const tells = at === HeaderWord.VisibleCount || at === HeaderWord.LastDelta;
          if (tells && !isAtomic) problems.push(name);
        } else if (!isAtomic) {
          if (published[view].subarray(at, at + length).includes(1))
            problems.push(`${name}, which is published`);
        } else {
          links++;
          published.nodeData.fill(1, value, value + nodeWords(kind, real.nodeData, value));
          const valueLength = Math.max(reader.valueLength(value), 0);
          published.kvData.fill(
            1,
            reader.keyOffset(value),
            reader.keyOffset(value) + reader.keyLength(value),
          );
          published.kvData.fill(1, reader.valueOffset(value), reader.valueOffset(value) + valueLength);
        }
      },
      () => {},
    );
    expect(problems.slice(0, 3)).toEqual([]);
    expect(links).toBeGreaterThanOrEqual(ENTRIES);
  });
});

function nodeWords(kind: IndexKind, nodeData: Int32Array, node: number): number {
  if (kind === IndexKind.Hash) return HASH_NODE_WORDS;
  return SKIP_NODE_NEXT + (nodeData[node + SKIP_NODE_ENTRY]! & (2 ** SKIP_HEIGHT_BITS - 1));
}
