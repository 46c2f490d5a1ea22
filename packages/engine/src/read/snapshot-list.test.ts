import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { expect, test } from 'vitest';
import { type Snapshot, SnapshotList } from './snapshot-list.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_106);

test('without snapshots the oldest sequence is the default', () => {
  expect(new SnapshotList().oldest(17)).toBe(17);
});

test('the oldest open snapshot is what must stay readable, until the last one at its sequence is closed', () => {
  const list = new SnapshotList();
  const [first, again, second] = [list.open(5), list.open(5), list.open(9)];
  expect([list.oldest(20), list.size]).toEqual([5, 3]);
  first.close();
  expect(list.oldest(20)).toBe(5);
  again.close();
  expect(list.oldest(20)).toBe(9);
  expect(list.oldest(7)).toBe(7);
  second.close();
  expect([list.oldest(20), list.size]).toEqual([20, 0]);
});

test('a closed snapshot says so, and closing it again does nothing', () => {
  const list = new SnapshotList();
  const snapshot = list.open(5);
  const other = list.open(5);
  expect([snapshot.sequence, snapshot.closed]).toEqual([5, false]);
  snapshot.close();
  snapshot.close();
  snapshot[Symbol.dispose]();
  expect(snapshot.closed).toBe(true);
  expect(() => snapshot.sequence).toThrow(expect.objectContaining({ code: ErrorCode.SnapshotNotOpen }));
  expect([list.size, other.sequence]).toEqual([1, 5]);
});

test(`opened and closed in any order, the oldest is that of a plain list (seed ${SEED})`, () => {
  const prng = new Prng(SEED);
  const list = new SnapshotList();
  let open: { readonly sequence: number; readonly snapshot: Snapshot }[] = [];
  for (let step = 0; step < 2000; step++) {
    if (prng.oneIn(2) || open.length === 0) {
      const sequence = prng.below(50);
      open.push({ sequence, snapshot: list.open(sequence) });
    } else {
      const closed = open[prng.below(open.length)]!;
      closed.snapshot.close();
      open = open.filter((one) => one !== closed);
    }
    const bound = prng.below(60);
    const expected = Math.min(bound, ...open.map((one) => one.sequence));
    expect([list.oldest(bound), list.size], `seed ${SEED}, step ${step}`).toEqual([expected, open.length]);
  }
});
