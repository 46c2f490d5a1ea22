import { LEVELS } from '@arena-level/common/base/limits';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { expect, test } from 'vitest';
import { CountedMemtable, makeMemDb } from '../read/store-picture.test-support.ts';
import { Version } from '../version/version.ts';
import { ReadView } from './read-view.ts';

test('a view holds its memtables and its version from its making to its last release', () => {
  const memtables = [0, 1, 2].map(() => new CountedMemtable(makeMemDb([], MemDbKind.Hash)));
  let isReleased = false;
  const version = new Version(
    1,
    Array.from({ length: LEVELS }, () => []),
    () => {
      isReleased = true;
    },
  );
  const view = new ReadView(memtables[0]!, memtables.slice(1), version);
  version.release();
  view.retain();
  view.release();
  expect([isReleased, memtables.map(({ holds }) => holds)]).toEqual([false, [1, 1, 1]]);
  view.release();
  expect([isReleased, memtables.map(({ holds }) => holds)]).toEqual([true, [0, 0, 0]]);
  expect(() => view.release()).toThrow(/invariant/);
  expect(() => view.retain()).toThrow(/invariant/);
});
