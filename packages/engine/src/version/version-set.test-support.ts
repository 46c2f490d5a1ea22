/** Version sets for tests, run blocking. */
import { runNow } from '@arena-level/common/base/steps';
import type { Storage } from '@arena-level/common/storage/storage';
import type { VersionEdit } from '../manifest/version-edit.ts';
import { adding, picture, table } from './table.test-support.ts';
import { VersionSet, type VersionSetOptions } from './version-set.ts';

export const create = (storage: Storage, options: VersionSetOptions = {}): VersionSet =>
  runNow(VersionSet.create(storage, options));
export const recover = (storage: Storage, options: VersionSetOptions = {}): VersionSet =>
  runNow(VersionSet.recover(storage, options));
/** The edit of a flush. */
export const flushed = (number: number, lastSequence: number, logNumber: number): VersionEdit => ({
  ...adding({ 0: [table(number, 'a', 'm')] }),
  lastSequence,
  logNumber,
});

/** All that a manifest keeps. */
export function stateOf(set: VersionSet): unknown {
  return {
    levels: picture(set.current.levels),
    lastSequence: set.lastSequence,
    logNumber: set.logNumber,
    pointers: [0, 1, 2, 3, 4, 5, 6].map((level) => set.compactPointer(level)),
  };
}
