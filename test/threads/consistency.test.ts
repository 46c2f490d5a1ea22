import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { expect, test, vi } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { checkedRun } from './checked-run.ts';
import { RegisterHistory } from './register-history.ts';
import { FIRST_GROUP, keysOf, valueFor, writeOf, writeOfGroup } from './register-keys.ts';

vi.setConfig({ testTimeout: LONG_TEST_MS });

const SEED = seedFromEnvironment(20_251_126);
const WRITES = 2000;
/** Hundreds of writes. */
const HOT_WRITES = 150;

test.each(Object.values(MemDbKind))(
  `threads that read %s MemDBs while the owner writes see linearizable registers and whole batches (seed ${SEED})`,
  async (memtable) => {
    const report = await checkedRun(temporaryDirectory(), {
      seed: SEED,
      readers: 2,
      store: { memtable },
      goesOn: (writes) => writes < WRITES,
    });
    expect(report.problems).toEqual([]);
    expect(report.rotations).toBeGreaterThan(20);
    expect(report.reads).toBeGreaterThan(100);
  },
);

test.each(Object.values(MemDbKind))(
  `threads that read %s MemDBs while others and the owner write see linearizable registers and whole batches (seed ${SEED})`,
  async (memtable) => {
    const report = await checkedRun(temporaryDirectory(), {
      seed: SEED,
      readers: 2,
      writers: 2,
      store: { memtable },
      goesOn: (writes) => writes < WRITES,
    });
    expect(report.problems).toEqual([]);
    expect(report.rotations).toBeGreaterThan(20);
    expect(report.reads).toBeGreaterThan(100);
    expect(report.threadWrites).toBeGreaterThan(100);
  },
);

test.each(Object.values(MemDbKind))(
  `threads that read keys of %s MemDBs in the very moment of their writes see linearizable registers (seed ${SEED})`,
  async (memtable) => {
    const report = await checkedRun(temporaryDirectory(), {
      seed: SEED,
      readers: 2,
      isHot: true,
      store: { memtable, writeBufferSize: 256 * 1024 },
      goesOn: (writes) => writes < HOT_WRITES,
    });
    expect(report.problems).toEqual([]);
    expect(report.rotations).toBeGreaterThan(10);
    expect(report.reads).toBeGreaterThan(1000);
  },
);

test('the checker finds a read that is too old, one from the future, and one that goes back', () => {
  const history = new RegisterHistory();
  const write = (): number => {
    const number = history.begin(3);
    history.acknowledge(3, number);
    return number;
  };
  expect(history.check(history.expect(3), undefined)).toBeUndefined();
  for (let i = 0; i < 5; i++) write();
  expect(history.check(history.expect(3), 5)).toBeUndefined();
  expect(history.check(history.expect(3), 4)).toMatch(/write 4 instead of 5 to 5/);
  expect(history.check(history.expect(3), 6)).toMatch(/write 6 instead of 5 to 5/);
  expect(history.check(history.expect(3), undefined)).toMatch(/nothing instead/);
  // Begun, and not acknowledged: it may be seen or not, but not any more after it was.
  history.begin(3);
  const before = history.expect(3);
  expect(history.check(before, 5)).toBeUndefined();
  expect(history.check(history.expect(3), 6)).toBeUndefined();
  expect(history.check(before, 5)).toBeUndefined();
  expect(history.check(history.expect(3), 5)).toMatch(/write 5 instead of 6 to 6/);
  // The seventh deletes.
  write();
  expect(history.check(history.expect(3), undefined)).toBeUndefined();
  expect(history.check(history.expect(3), 7)).toMatch(/write 7/);
});

test('the checker finds a batch that is not whole, and a value that nobody wrote', () => {
  const keys = keysOf(FIRST_GROUP);
  const values = keys.map((key) => valueFor(key, 5));
  expect(writeOfGroup(FIRST_GROUP, values)).toBe(5);
  expect(() => writeOfGroup(FIRST_GROUP, [...values.slice(1), values[0]!])).toThrow(/nobody wrote/);
  expect(() => writeOfGroup(FIRST_GROUP, values.with(2, valueFor(keys[2]!, 6)))).toThrow(/not whole/);
  expect(() => writeOfGroup(FIRST_GROUP, [...values.slice(0, -1), undefined])).toThrow(/not whole/);
  const torn = valueFor('key', 9);
  torn[torn.length - 1]! ^= 1;
  expect(() => writeOf('key', torn)).toThrow(/nobody wrote/);
});
