import { createArena } from '@arena-level/common/arena/arena';
import { ErrorCode } from '@arena-level/common/base/errors';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { beforeEach, describe, expect, test } from 'vitest';
import { LiveJournal } from '../journal/live-journal.ts';
import { EMPTY_LEVELS, Version } from '../version/version.ts';
import { Memtable } from './memtable.ts';
import { MemtableSet } from './memtable-set.ts';

const BROKEN = expect.objectContaining({ code: ErrorCode.Internal });
/** A put record: kind, key, value. */
const RECORD = Uint8Array.of(1, 1, 107, 1, 118);

let storage: MemoryStorage;
/** Journal numbers of memtables that nobody uses any more, in that order. */
let unused: number[];
let versionsReleased: number[];
beforeEach(() => {
  storage = new MemoryStorage();
  unused = [];
  versionsReleased = [];
});

function makeMemtable(journal: number): Memtable {
  const arena = createArena({ kind: MemDbKind.Hash, kvBytes: 1024 });
  arena.activate(0);
  return new Memtable(createMemDb(arena), LiveJournal.createNow(storage, journal, 1), 0, (memtable) =>
    unused.push(memtable.journal.number),
  );
}

const makeVersion = (id: number): Version =>
  new Version(id, EMPTY_LEVELS, (version) => versionsReleased.push(version.id));

describe('a memtable', () => {
  test('is let go of by the last of its holders, once', () => {
    const memtable = makeMemtable(3);
    memtable.retain();
    memtable.retain();
    memtable.release();
    memtable.release();
    expect(unused).toEqual([]);
    memtable.release();
    expect(unused).toEqual([3]);
    expect(() => memtable.release()).toThrow(BROKEN);
    expect(() => memtable.retain()).toThrow(BROKEN);
  });
});

describe('a set of memtables', () => {
  test('has one active memtable, the frozen ones by age, and their journals', () => {
    const memtables = [3, 5, 7].map(makeMemtable);
    const set = new MemtableSet(memtables[0]!, makeVersion(1));
    set.rotate(memtables[1]!);
    set.rotate(memtables[2]!);
    expect(set.active).toBe(memtables[2]);
    expect(set.frozen).toEqual([memtables[0], memtables[1]]);
    expect(set.journals().map(({ number }) => number)).toEqual([3, 5, 7]);
    // A reader looks at the newest first.
    expect(set.view.active).toBe(memtables[2]);
    expect(set.view.frozen).toEqual([memtables[1], memtables[0]]);
  });

  test('gives a reader a view that stays as it is, and keeps what is in it', () => {
    const memtables = [3, 5].map(makeMemtable);
    const first = makeVersion(1);
    const set = new MemtableSet(memtables[0]!, first);
    const view = set.view;
    view.retain();
    set.rotate(memtables[1]!);
    set.dropOldest(memtables[0]!, makeVersion(2));
    first.release();
    expect(view.active).toBe(memtables[0]);
    expect(set.view.frozen).toEqual([]);
    expect(unused).toEqual([]);
    expect(versionsReleased).toEqual([]);
    view.release();
    expect(unused).toEqual([3]);
    expect(versionsReleased).toEqual([1]);
  });

  test('drops memtables in order of age only', () => {
    const memtables = [3, 5, 7].map(makeMemtable);
    const set = new MemtableSet(memtables[0]!, makeVersion(1));
    set.rotate(memtables[1]!);
    set.rotate(memtables[2]!);
    expect(() => set.dropOldest(memtables[1]!, makeVersion(2))).toThrow(BROKEN);
    expect(() => set.dropOldest(memtables[2]!, makeVersion(2))).toThrow(BROKEN);
    set.dropOldest(memtables[0]!, makeVersion(2));
    set.dropOldest(memtables[1]!, makeVersion(3));
    expect(unused).toEqual([3, 5]);
  });

  test('replaces an active memtable without a flush only while it is empty', () => {
    const memtables = [3, 5].map(makeMemtable);
    const set = new MemtableSet(memtables[0]!, makeVersion(1));
    const larger = makeMemtable(9);
    set.replaceEmpty(larger);
    expect(set.active).toBe(larger);
    expect(unused).toEqual([3]);
    larger.memdb.insert(RECORD, 0, RECORD.length, 1, 1);
    expect(() => set.replaceEmpty(memtables[1]!)).toThrow(BROKEN);
  });

  test('lets go of everything when the store is closed', () => {
    const memtables = [3, 5, 7].map(makeMemtable);
    const version = makeVersion(1);
    const set = new MemtableSet(memtables[0]!, version);
    set.rotate(memtables[1]!);
    set.rotate(memtables[2]!);
    set.release();
    version.release();
    expect(unused.sort()).toEqual([3, 5, 7]);
    expect(versionsReleased).toEqual([1]);
  });
});
