import { ArenaState } from '@arena-level/common/arena/arena-state';
import { systemClock } from '@arena-level/common/base/clock';
import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { beforeEach, describe, expect, test } from 'vitest';
import { EventSink } from '../events/event-sink.ts';
import { EMPTY_LEVELS, Version } from '../version/version.ts';
import { ArenaPool } from './arena-pool.ts';
import { MemtableSet } from './memtable-set.ts';
import { Rotation } from './rotation.ts';

/** No arena takes it: its activation throws. */
const IMPOSSIBLE = MAX_SEQUENCE + 1;

let storage: MemoryStorage;
let pool: ArenaPool;
let rotation: Rotation;
let nextNumber: number;
beforeEach(() => {
  storage = new MemoryStorage();
  nextNumber = 10;
  pool = new ArenaPool(
    { kind: MemDbKind.Hash, standardBytes: 4096, maxIdle: 4 },
    { clock: systemClock, preparer: undefined },
  );
  rotation = new Rotation({
    storage,
    pool,
    clock: systemClock,
    events: new EventSink(),
    newFileNumber: () => nextNumber++,
  });
});

function setOf(lastSequence: number): MemtableSet {
  return new MemtableSet(rotation.first(3, lastSequence), new Version(1, EMPTY_LEVELS));
}

function codeOf(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return Object.values(ErrorCode).find((code) => hasCode(error, code)) ?? error;
  }
}

describe('a rotation that fails changes nothing', () => {
  test('where the first memtable gets no arena that takes its sequence number', () => {
    expect(codeOf(() => rotation.first(3, IMPOSSIBLE))).toBe(ErrorCode.Internal);
    expect(pool.inUse).toBe(0);
    expect(storage.listNow()).toEqual([]);
  });

  test('where the next arena does not take its sequence number', () => {
    const memtables = setOf(7);
    const { active } = memtables;
    active.lastSequence = IMPOSSIBLE;
    expect(codeOf(() => rotation.rotate(memtables, 0, 0))).toBe(ErrorCode.Internal);
    expect(codeOf(() => rotation.enlargeEmpty(memtables, 10_000, 1))).toBe(ErrorCode.Internal);
    expect(memtables.active).toBe(active);
    expect(active.arena.state).toBe(ArenaState.Active);
    expect(pool.inUse).toBe(1);
    expect(storage.listNow().map(({ number }) => number)).toEqual([3]);
  });

  test('where no journal can be created, neither the first nor the next', () => {
    const memtables = setOf(7);
    storage.createNow = () => {
      throw new Error('no more files');
    };
    expect(() => rotation.first(4, 7)).toThrow('no more files');
    expect(() => rotation.rotate(memtables, 0, 0)).toThrow('no more files');
    expect(memtables.active.arena.state).toBe(ArenaState.Active);
    expect(pool.inUse).toBe(1);
    // What came back can be used.
    expect(pool.idle).toBeGreaterThan(0);
    pool.take(0, 0).activate(7);
  });
});
