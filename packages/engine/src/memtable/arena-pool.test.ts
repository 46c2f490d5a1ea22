import { ArenaState } from '@arena-level/common/arena/arena-state';
import { arenaByteLength, arenaSizesFor } from '@arena-level/common/arena/layout';
import { prepareArena } from '@arena-level/common/arena/prepare-arena';
import { ErrorCode } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { arenaBudget, setArenaBudget } from './arena-budget.ts';
import { ArenaPool } from './arena-pool.ts';

const STANDARD = 64 * 1024;
const UNIT_BYTES = 4096;
const unitsOf = (bytes: number): number => Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES;

let clock: ManualClock;
let usedBefore: number;
const { limitBytes } = arenaBudget();
beforeEach(() => {
  clock = new ManualClock();
  usedBefore = arenaBudget().usedBytes;
});
afterEach(() => setArenaBudget(limitBytes));

/** Bytes that arenas made by this test count for. */
const used = (): number => arenaBudget().usedBytes - usedBefore;

function makePool(maxIdle: number, kind: MemDbKind = MemDbKind.Hash): ArenaPool {
  return new ArenaPool({ kind, standardBytes: STANDARD, maxIdle }, { clock, preparer: undefined });
}

/** A pool whose preparations end when the test says so. */
function makePreparingPool(maxIdle: number) {
  const preparing: { readonly end: () => void; readonly fail: () => void }[] = [];
  const prepare = (arena: SharedArrayBuffer): Promise<void> =>
    new Promise((resolve, reject) => {
      preparing.push({
        end: () => {
          prepareArena(arena);
          resolve();
        },
        fail: () => reject(new Error('the thread died')),
      });
    });
  const touched: SharedArrayBuffer[] = [];
  const touch = async (arena: SharedArrayBuffer): Promise<void> => void touched.push(arena);
  const pool = new ArenaPool(
    { kind: MemDbKind.Hash, standardBytes: STANDARD, maxIdle },
    { clock, preparer: { prepare, touch } },
  );
  return { pool, preparing, touched };
}

const microtasks = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await undefined;
};

test('an idle arena makes room in the budget for a larger one', () => {
  const pool = makePool(2);
  const idle = pool.take(0, 0);
  pool.give(idle);
  expect(pool.idle).toBe(1);
  const large = 4 * MIB;
  const bytes = unitsOf(arenaByteLength(arenaSizesFor(MemDbKind.Hash, large, 0)));
  setArenaBudget(usedBefore + bytes);
  const taken = pool.take(large, 0);
  expect(pool.idle).toBe(0);
  expect(used()).toBe(bytes);
  expect(() => pool.take(0, 0)).toThrow(expect.objectContaining({ code: ErrorCode.MemoryBudget }));
  pool.give(taken);
  pool.close();
  expect(used()).toBe(0);
});

describe.each(Object.values(MemDbKind))('take (%s)', (kind) => {
  test('makes a free arena of the standard size, or of the size that is needed', () => {
    const pool = makePool(2, kind);
    const standard = pool.take(0, 0);
    const large = pool.take(3 * STANDARD, 0);
    const many = pool.take(1000, 100_000);
    expect(standard.state).toBe(ArenaState.Free);
    expect(standard.kind).toBe(kind);
    expect(standard.kvData.length).toBe(STANDARD);
    expect(large.kvData.length).toBe(3 * STANDARD);
    expect(many.kvData.length).toBe(STANDARD);
    expect(many.nodeData.length).toBeGreaterThan(standard.nodeData.length);
    expect(pool.inUse).toBe(3);
    const lengths = [standard, large, many].map(({ shared }) => shared.byteLength);
    expect(pool.bytes).toBe(lengths.reduce((sum, length) => sum + length));
    expect(used()).toBe(lengths.reduce((sum, length) => sum + unitsOf(length), 0));
    for (const arena of [standard, large, many]) pool.give(arena);
    pool.close();
    expect(used()).toBe(0);
  });

  test('says beforehand which batches need more than a standard arena', () => {
    const pool = makePool(0, kind);
    const standard = arenaSizesFor(kind, STANDARD, 0);
    expect(pool.exceedsStandard(STANDARD, 1)).toBe(false);
    expect(pool.exceedsStandard(STANDARD + 1, 1)).toBe(true);
    expect(pool.exceedsStandard(100, standard.nodeWords)).toBe(true);
    expect(arenaByteLength(standard)).toBeGreaterThan(STANDARD);
    pool.close();
  });
});

describe('give', () => {
  test('keeps standard arenas up to the limit, and take hands them out again', () => {
    const pool = makePool(2);
    const taken = [1, 2, 3].map(() => pool.take(0, 0));
    for (const arena of taken) pool.give(arena);
    expect(pool.idle).toBe(2);
    expect(used()).toBe(2 * unitsOf(taken[0]!.shared.byteLength));
    const again = [pool.take(0, 0), pool.take(0, 0)];
    expect(new Set(again)).toEqual(new Set(taken.slice(0, 2)));
    expect(pool.idle).toBe(0);
    for (const arena of again) pool.give(arena);
    pool.close();
    expect(used()).toBe(0);
  });

  test('keeps none of another size', () => {
    const pool = makePool(2);
    pool.give(pool.take(2 * STANDARD, 0));
    pool.give(pool.take(100, 100_000));
    expect(pool.idle).toBe(0);
    expect(used()).toBe(0);
    pool.close();
  });

  test('takes an arena back once, and only from the one who has it', () => {
    const pool = makePool(2);
    const other = makePool(2);
    const arena = pool.take(0, 0);
    expect(() => other.give(arena)).toThrow(expect.objectContaining({ code: ErrorCode.Internal }));
    pool.give(arena);
    expect(() => pool.give(arena)).toThrow(expect.objectContaining({ code: ErrorCode.Internal }));
    expect(() => pool.discard(arena)).toThrow(expect.objectContaining({ code: ErrorCode.Internal }));
    pool.close();
    other.close();
    expect(used()).toBe(0);
  });

  test('hands an arena out again only when it was prepared', async () => {
    const { pool, preparing } = makePreparingPool(2);
    const arena = pool.take(0, 0);
    pool.give(arena);
    expect(pool).toMatchObject({ idle: 0, preparing: 1, inUse: 0 });
    const other = pool.take(0, 0);
    expect(other).not.toBe(arena);
    preparing[0]!.end();
    await microtasks();
    expect(pool).toMatchObject({ idle: 1, preparing: 0 });
    expect(pool.take(0, 0)).toBe(arena);
    pool.discard(arena);
    pool.discard(other);
    pool.close();
    expect(used()).toBe(0);
  });

  test('never hands out an arena whose preparation failed', async () => {
    const { pool, preparing } = makePreparingPool(2);
    const arena = pool.take(0, 0);
    pool.give(arena);
    preparing[0]!.fail();
    await microtasks();
    expect(pool).toMatchObject({ idle: 0, preparing: 0, inUse: 0 });
    expect(used()).toBe(0);
    expect(pool.take(0, 0)).not.toBe(arena);
  });
});

test('discard lets go of an arena for good', () => {
  const pool = makePool(2);
  const arena = pool.take(0, 0);
  pool.discard(arena);
  expect(pool).toMatchObject({ idle: 0, inUse: 0, bytes: 0 });
  expect(used()).toBe(0);
  expect(pool.take(0, 0)).not.toBe(arena);
});

describe('prepareAhead', () => {
  test('makes one arena ready, and no second while that is under way or idle', async () => {
    const { pool, preparing, touched } = makePreparingPool(2);
    pool.prepareAhead();
    pool.prepareAhead();
    expect(pool).toMatchObject({ idle: 1, preparing: 0 });
    const arena = pool.take(0, 0);
    expect(touched).toEqual([arena.shared]);
    expect(arena.isClean).toBe(true);
    pool.prepareAhead();
    expect(touched).toHaveLength(2);
    expect(preparing).toEqual([]);
    pool.discard(arena);
    pool.close();
    expect(used()).toBe(0);
  });

  test('makes none while one that was used is being prepared', async () => {
    const { pool, preparing, touched } = makePreparingPool(2);
    pool.give(pool.take(0, 0));
    pool.prepareAhead();
    expect(touched).toEqual([]);
    preparing[0]!.end();
    await microtasks();
    expect(pool.idle).toBe(1);
    pool.close();
    expect(used()).toBe(0);
  });

  test('does nothing where nothing is kept, where nobody can prepare, and in a closed pool', () => {
    const { pool: keepsNone, touched } = makePreparingPool(0);
    keepsNone.prepareAhead();
    const alone = makePool(2);
    alone.prepareAhead();
    const { pool: closed, touched: closedTouched } = makePreparingPool(2);
    closed.close();
    closed.prepareAhead();
    expect([touched, closedTouched]).toEqual([[], []]);
    expect(alone.idle).toBe(0);
    expect(used()).toBe(0);
  });

  test('over the budget does nothing, and says nothing', () => {
    const { pool, touched } = makePreparingPool(2);
    const arena = pool.take(2 * MIB, 0);
    setArenaBudget(Math.max(MIB, arenaBudget().usedBytes));
    pool.prepareAhead();
    expect(touched).toEqual([]);
    expect(pool.idle).toBe(0);
    pool.discard(arena);
    expect(used()).toBe(0);
  });
});

describe('touchAhead', () => {
  test('has the pages of an arena touched once that was new when it was taken', async () => {
    const { pool, preparing, touched } = makePreparingPool(2);
    const arena = pool.take(0, 0);
    pool.touchAhead(arena);
    pool.touchAhead(arena);
    expect(touched).toEqual([arena.shared]);
    pool.give(arena);
    preparing[0]!.end();
    await microtasks();
    expect(pool.take(0, 0)).toBe(arena);
    pool.touchAhead(arena);
    expect(touched).toHaveLength(1);
    pool.discard(arena);
    pool.close();
    expect(used()).toBe(0);
  });

  test('leaves alone what was touched while it was idle, and does nothing where nobody can', () => {
    const { pool, touched } = makePreparingPool(2);
    pool.prepareAhead();
    const prepared = pool.take(0, 0);
    pool.touchAhead(prepared);
    expect(touched).toEqual([prepared.shared]);
    pool.discard(prepared);
    pool.close();
    const alone = makePool(2);
    const arena = alone.take(0, 0);
    alone.touchAhead(arena);
    alone.discard(arena);
    alone.close();
    expect(used()).toBe(0);
  });
});

describe('drain', () => {
  const INTERVAL_MS = 30_000;

  test('lets idle arenas go that nothing was taken for in a whole interval', () => {
    const pool = makePool(2);
    pool.give(pool.take(0, 0));
    clock.advance(INTERVAL_MS - 1);
    expect(pool.idle).toBe(1);
    clock.advance(1);
    // It was taken within this interval; the next one decides.
    expect(pool.idle).toBe(1);
    clock.advance(INTERVAL_MS);
    expect(pool.idle).toBe(0);
    expect(used()).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('leaves the arenas of a busy store alone', () => {
    const pool = makePool(2);
    pool.give(pool.take(0, 0));
    for (let i = 0; i < 5; i++) {
      clock.advance(INTERVAL_MS / 2);
      pool.give(pool.take(0, 0));
      clock.advance(INTERVAL_MS / 2);
      expect(pool.idle).toBe(1);
    }
    pool.close();
  });

  test('asked for lets them go at once', () => {
    const pool = makePool(2);
    pool.give(pool.take(0, 0));
    pool.drain();
    expect(pool.idle).toBe(0);
    expect(used()).toBe(0);
    pool.close();
  });

  test('leaves no timer behind in a closed pool', () => {
    const pool = makePool(2);
    pool.give(pool.take(0, 0));
    expect(clock.pendingTimers).toBe(1);
    pool.close();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a closed pool', () => {
  test('takes back what is out, and keeps nothing', async () => {
    const { pool, preparing } = makePreparingPool(2);
    const out = pool.take(0, 0);
    const given = pool.take(0, 0);
    pool.give(given);
    pool.close();
    preparing[0]!.end();
    await microtasks();
    expect(used()).toBe(unitsOf(out.shared.byteLength));
    pool.give(out);
    expect(pool).toMatchObject({ idle: 0, inUse: 0, preparing: 0 });
    expect(used()).toBe(0);
  });

  test('gives none', () => {
    const pool = makePool(2);
    pool.close();
    expect(() => pool.take(0, 0)).toThrow(expect.objectContaining({ code: ErrorCode.Internal }));
    expect(used()).toBe(0);
  });
});

describe('the process-wide budget', () => {
  test('refuses an arena beyond it, counts nothing for that, and gives again when there is room', () => {
    const pool = makePool(2);
    const other = makePool(2);
    const first = pool.take(2 * MIB, 0);
    setArenaBudget(arenaBudget().usedBytes);
    for (const each of [pool, other]) {
      expect(() => each.take(0, 0)).toThrow(
        expect.objectContaining({
          code: ErrorCode.MemoryBudget,
          message: expect.stringContaining('setArenaBudget'),
        }),
      );
    }
    expect(pool.inUse).toBe(1);
    expect(other.inUse).toBe(0);
    expect(used()).toBe(unitsOf(first.shared.byteLength));
    pool.discard(first);
    other.discard(other.take(0, 0));
    expect(used()).toBe(0);
  });

  test('is not charged for an arena that could not be made', () => {
    const pool = makePool(2);
    expect(() => pool.take(2 ** 31, 0)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/ARENA_TOO_LARGE|ARENA_MEMORY_BUDGET/) }),
    );
    expect(pool.inUse).toBe(0);
    expect(used()).toBe(0);
  });

  test.each([Number.NaN, -1, 0, MIB - 1, Number.POSITIVE_INFINITY])('of %d bytes is refused', (bytes) => {
    expect(() => setArenaBudget(bytes)).toThrow(expect.objectContaining({ code: ErrorCode.InvalidArgument }));
    expect(arenaBudget().limitBytes).toBe(limitBytes);
  });
});
