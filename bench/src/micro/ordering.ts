/** What order costs: the first iterator on a full arena, walking, and puts with short scans between them. */
import { MAX_SEQUENCE, MIB } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import { type MemDb, MemDbKind } from '@arena-level/common/memdb/memdb';
import { type Case, check, type Group, timed } from '../measure.ts';
import { type Entries, makeEntries } from './entries.ts';
import { activeMemDb, entriesThatFit, filledMemDb, insertEntries, preparedArena } from './filled-arena.ts';

const KINDS = Object.values(MemDbKind);
const ARENA_BYTES: number = 32 * MIB;
const MIXED_PUTS = 20_000;
const SCAN_ENTRIES = 10;

function group(
  name: string,
  operation: string,
  makeCase: (kind: MemDbKind, entries: Entries) => Case,
): Group {
  return {
    name,
    operation,
    cases: () => {
      const entries = makeEntries('random', entriesThatFit(ARENA_BYTES));
      return KINDS.map((kind) => makeCase(kind, entries));
    },
  };
}

export const orderingGroups: readonly Group[] = [
  group('First iterator on a full MemDB, random keys, 32 MiB', 'iterator', firstIteratorCase),
  group('MemDB iteration, random keys, 32 MiB', 'entry', walkCase),
  ...[1, 10, 100].map((puts) =>
    group(
      `MemDB put, a scan of ${SCAN_ENTRIES} entries every ${puts} puts, half of 32 MiB`,
      'put',
      (kind, entries) => mixedCase(kind, entries, puts),
    ),
  ),
];

function firstIteratorCase(kind: MemDbKind, entries: Entries): Case {
  const arena = preparedArena(kind, entries.count);
  return {
    name: kind,
    sample() {
      const memdb = filledMemDb(arena, entries);
      let valid = false;
      const sample = timed(1, () => {
        const iterator = memdb.iterator();
        iterator.first();
        valid = iterator.valid;
      });
      check(valid, 'the iterator has an entry');
      return sample;
    },
  };
}

function walkCase(kind: MemDbKind, entries: Entries): Case {
  const memdb = filledMemDb(preparedArena(kind, entries.count), entries);
  memdb.iterator().first();
  return {
    name: kind,
    sample() {
      let walked = 0;
      const sample = timed(entries.count, () => {
        const iterator = memdb.iterator();
        for (iterator.first(); iterator.valid; iterator.next()) walked++;
      });
      check(walked === entries.count, 'every entry is passed');
      return sample;
    },
  };
}

function mixedCase(kind: MemDbKind, entries: Entries, putsPerScan: number): Case {
  const arena = preparedArena(kind, entries.count);
  const half = entries.count >> 1;
  return {
    name: kind,
    sample() {
      const memdb = activeMemDb(arena);
      insertEntries(memdb, entries, 0, half, 100);
      const prng = new Prng(2);
      let scanned = 0;
      const sample = timed(MIXED_PUTS, () => {
        for (let put = 0; put < MIXED_PUTS; put++) {
          insertEntries(memdb, entries, half + put, half + put + 1, 1);
          if (put % putsPerScan === 0) scanned += scan(memdb, entries.keys[prng.below(half)]!);
        }
      });
      check(scanned > 0 && memdb.count === half + MIXED_PUTS, 'puts and scans were done');
      return sample;
    },
  };
}

function scan(memdb: MemDb, from: Buffer): number {
  const iterator = memdb.iterator();
  let entries = 0;
  for (
    iterator.seek(from, 0, from.length, MAX_SEQUENCE);
    iterator.valid && entries < SCAN_ENTRIES;
    iterator.next()
  )
    entries++;
  iterator.release();
  return entries;
}
