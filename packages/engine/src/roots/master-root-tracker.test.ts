import { masterRoot, tableLeaf } from '@arena-level/common/merkle/master-root';
import { describe, expect, test } from 'vitest';
import { adding, levelsOf, table } from '../version/table.test-support.ts';
import { Version } from '../version/version.ts';
import { VersionBuilder } from '../version/version-builder.ts';
import { MasterRootTracker } from './master-root-tracker.ts';

const hash = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const LEVELS = levelsOf(
  adding({
    0: [table(7, 'c', 'd'), table(4, 'a', 'k'), table(9, 'b', 'z')],
    1: [table(3, 'm', 'p'), table(2, 'a', 'f')],
  }),
);
const leaf = (level: number, number: number, smallest: string, largest: string): Uint8Array =>
  tableLeaf({ level, ...table(number, smallest, largest), root: hash(number) });

function trackerOf(...numbers: number[]): MasterRootTracker {
  const tracker = new MasterRootTracker();
  for (const number of numbers) tracker.setRoot(number, hash(number));
  return tracker;
}

describe('MasterRootTracker', () => {
  test('orders level 0 by ascending file number and deeper levels by key', () => {
    const expected = masterRoot([
      leaf(0, 4, 'a', 'k'),
      leaf(0, 7, 'c', 'd'),
      leaf(0, 9, 'b', 'z'),
      leaf(1, 2, 'a', 'f'),
      leaf(1, 3, 'm', 'p'),
    ]);
    expect(hex(trackerOf(2, 3, 4, 7, 9).compute(new Version(1, LEVELS)))).toBe(hex(expected));
  });

  test('has a root for a version without tables', () => {
    expect(hex(trackerOf().compute(new Version(1, levelsOf())))).toBe(hex(masterRoot([])));
  });

  test('gives each version its own root, though only one table has moved', () => {
    const tracker = trackerOf(2, 3, 4, 7, 9);
    const before = tracker.compute(new Version(1, LEVELS));
    const builder = new VersionBuilder(LEVELS, (reason) => new Error(reason));
    builder.apply({ deletedTables: [{ level: 0, number: 7 }], ...adding({ 2: [table(7, 'c', 'd')] }) });
    const moved = new Version(2, builder.build());
    const after = tracker.compute(moved);
    expect(hex(after)).not.toBe(hex(before));
    expect(hex(after)).toBe(hex(trackerOf(2, 3, 4, 7, 9).compute(moved)));
    expect(hex(tracker.compute(new Version(3, LEVELS)))).toBe(hex(before));
  });

  test('names the tables whose roots it does not know, and computes nothing without them', () => {
    const tracker = trackerOf(2, 4, 9);
    const version = new Version(1, LEVELS);
    expect(tracker.missing(version).map(({ number }) => number)).toEqual([7, 3]);
    expect(() => tracker.compute(version)).toThrow(/root of table 7 is not known/);
    tracker.setRoot(3, hash(3));
    tracker.setRoot(7, hash(7));
    expect(tracker.missing(version)).toEqual([]);
    expect(hex(tracker.compute(version))).toBe(hex(trackerOf(2, 3, 4, 7, 9).compute(version)));
  });

  test('keeps the first root of a table, and tells when another is stated', () => {
    const tracker = trackerOf(2);
    expect(tracker.setRoot(2, hash(2))).toBe(true);
    expect(tracker.setRoot(2, hash(3))).toBe(false);
    expect(tracker.rootOf(2)).toEqual(hash(2));
    tracker.forget(2);
    expect(tracker.rootOf(2)).toBeUndefined();
    expect(tracker.setRoot(2, hash(3))).toBe(true);
  });
});
