import { ErrorCode } from '@arena-level/common/base/errors';
import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { arenaBudget } from '../memtable/arena-budget.ts';
import { ArenaPool } from '../memtable/arena-pool.ts';
import { MemoryReplay } from './memory-replay.ts';

/** One put of an empty value. */
function put(key: string): Uint8Array {
  return Uint8Array.from([1, key.length, ...Buffer.from(key), 0]);
}

describe('a replay into memory', () => {
  const usedBefore = arenaBudget().usedBytes;
  let replay: MemoryReplay;
  beforeEach(() => {
    const options = { kind: 'hash', standardBytes: 4096, maxIdle: 0 } as const;
    replay = new MemoryReplay(new ArenaPool(options, { clock: new ManualClock(), preparer: undefined }), 7);
  });
  afterEach(() => {
    replay.release();
    expect(arenaBudget().usedBytes).toBe(usedBefore);
  });

  const insert = (key: string, sequence: number): void => {
    const record = put(key);
    replay.insert(record, 0, record.length, 1, sequence);
  };
  const sequencesOf = (): number[] => replay.finish().map(({ arena }) => arena.baseSequence + 1);

  test('of nothing is one empty MemDB', () => {
    expect(replay.finish().map(({ count }) => count)).toEqual([0]);
    expect(replay.lastSequence).toBe(7);
  });

  test('fills as many as it takes, newest first', () => {
    for (let i = 0; i < 300; i++) insert(`a key of some length ${i}`, 8 + i);
    const sequences = sequencesOf();
    expect(sequences.length).toBeGreaterThan(1);
    expect(sequences).toEqual([...sequences].sort((left, right) => right - left));
    expect(replay.lastSequence).toBe(307);
  });

  test('puts journals in order of their sequence numbers', () => {
    for (const sequence of [20, 21, 10, 11, 30]) insert('k', sequence);
    // 30 follows 11 in the MemDB of 10: it reaches over 20 and 21, and which is newer cannot be told by MemDBs.
    expect(() => replay.finish()).toThrow(expect.objectContaining({ code: ErrorCode.NotSupported }));
  });

  test('takes runs of numbers that lie apart, in whatever order', () => {
    for (const sequence of [20, 21, 10, 11, 9]) insert('k', sequence);
    expect(sequencesOf()).toEqual([20, 10, 9]);
  });
});
