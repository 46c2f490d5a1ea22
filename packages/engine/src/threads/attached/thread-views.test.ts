import { ErrorCode } from '@arena-level/common/base/errors';
import { expect, test } from 'vitest';
import { EMPTY_LEVELS } from '../../version/version.ts';
import { EPOCH_CLOSED, NO_EPOCH, SlotState } from '../control/control-layout.ts';
import { levelsOf, OwnerAndThread } from '../threads.test-support.ts';

const numbers = (both: OwnerAndThread): number[][] =>
  both.views.view.version.levels.slice(0, 2).map((tables) => tables.map(({ number }) => number));

test('a view is taken once per epoch', () => {
  const both = new OwnerAndThread();
  both.publish(10, levelsOf([3, 2]));
  const { view } = both.views;
  expect(both.views.view).toBe(view);
  expect(both.views).toMatchObject({ epoch: 1, lastSequence: 10 });
  both.publish(20, levelsOf([4], [2, 3]));
  expect(both.views.view).not.toBe(view);
  expect(both.views).toMatchObject({ epoch: 2, lastSequence: 20 });
  expect(numbers(both)).toEqual([[4], [2, 3]]);
  expect(both.slot.seen).toBe(2);
});

test('lists that changed before the owner knew that the thread holds them are not used', () => {
  const both = new OwnerAndThread();
  both.publish(10);
  both.slot.onSeen = () => both.publish(20);
  expect(both.views.view).toBeDefined();
  expect(both.views).toMatchObject({ epoch: 2, lastSequence: 20 });
  expect(both.slot.seen).toBe(2);
});

test('a thread that was given up before it said what it holds attaches anew', () => {
  const both = new OwnerAndThread();
  both.publish(10);
  both.slot.onSeen = () => both.slot.change(SlotState.Attached, SlotState.Revoked);
  expect(both.views.view).toBeDefined();
  expect(both.slot).toMatchObject({ state: SlotState.Attached, seen: 1 });
  expect(both.views.revocations).toBe(1);
});

test('a view that someone reads is pinned before the thread says that it has moved on', () => {
  const both = new OwnerAndThread();
  both.publish(10);
  const { view } = both.views;
  view.retain();
  both.publish(20);
  both.slot.onSeen = () => expect(both.slot.holds(1)).toBe(true);
  expect(both.views.view).not.toBe(view);
  expect(both.slot.holds(1)).toBe(true);
  view.check();
  view.release();
  expect(both.slot.holds(1)).toBe(false);
});

test('views beyond the number of pins are held by a floor, which rises as they are released', () => {
  const both = new OwnerAndThread();
  const held = Array.from({ length: 40 }, () => {
    both.publish();
    const { view } = both.views;
    view.retain();
    return view;
  });
  both.publish();
  expect(both.views.view.version.levels).toHaveLength(7);
  expect(both.slot.seen).toBe(41);
  for (let epoch = 1; epoch <= 40; epoch++) expect(both.slot.holds(epoch)).toBe(true);
  for (const [i, view] of held.entries()) {
    view.release();
    expect(both.slot.holds(i + 1)).toBe(false);
    if (i < 39) expect(both.slot.holds(i + 2)).toBe(true);
  }
});

test('a thread that was given up loses the views that it had', () => {
  const both = new OwnerAndThread();
  both.publish();
  const { view } = both.views;
  view.retain();
  both.slot.change(SlotState.Attached, SlotState.Revoked);
  expect(() => view.check()).toThrow(expect.objectContaining({ code: ErrorCode.ThreadRevoked }));
  expect(both.slot).toMatchObject({ state: SlotState.Attached, seen: NO_EPOCH });
  both.views.view.check();
  view.release();
  expect(both.slot.seen).toBe(1);
});

test('tables are told of when no view has them any more', () => {
  const both = new OwnerAndThread();
  both.publish(0, levelsOf([1, 2]));
  const { view } = both.views;
  view.retain();
  both.publish(0, levelsOf([3], [1]));
  expect(numbers(both)).toEqual([[3], [1]]);
  expect(both.obsolete).toEqual([]);
  view.release();
  expect(both.obsolete).toEqual([2]);
  both.publish(0, levelsOf([]));
  expect(numbers(both)).toEqual([[], []]);
  expect(both.obsolete.sort()).toEqual([1, 2, 3]);
});

test('a thread that is not reading lets go of what it held, and takes nothing that it did not have', () => {
  const both = new OwnerAndThread();
  both.publish();
  both.views.moveOn();
  expect(both.slot.seen).toBe(NO_EPOCH);
  expect(both.views.view).toBeDefined();
  both.publish();
  both.slot.onSeen = () => both.publish();
  both.views.moveOn();
  expect(both.slot.seen).toBe(NO_EPOCH);
  both.publish();
  expect(both.views.view).toBeDefined();
  both.publish();
  both.views.moveOn();
  expect(both.slot.seen).toBe(5);
});

test('the owner is asked for an arena that did not come, and again when its answer was out of date', () => {
  const both = new OwnerAndThread();
  const want = [{ kind: 'want' }];
  let send = both.publish(10, EMPTY_LEVELS, true);
  let waits = 0;
  both.slot.onWait = () => {
    waits++;
    if (waits === 1) {
      expect(both.heard()).toEqual(want);
      send();
      send = both.publish(20, EMPTY_LEVELS, true);
      both.slot.raiseSignal();
    } else if (waits === 2) {
      expect(both.heard()).toEqual(want);
    } else {
      // Once for each answer, however long that takes.
      expect([waits, both.heard()]).toEqual([3, []]);
      send();
      both.slot.raiseSignal();
    }
  };
  expect(both.views.view).toBeDefined();
  expect([waits, both.views.lastSequence, both.slot.seen]).toEqual([3, 20, 2]);
});

test('a closed store has no view', () => {
  const both = new OwnerAndThread();
  both.publish();
  const { view } = both.views;
  view.retain();
  both.control.epoch = EPOCH_CLOSED;
  const closed = expect.objectContaining({ code: ErrorCode.DatabaseNotOpen });
  expect(() => both.views.view).toThrow(closed);
  expect(() => view.check()).toThrow(closed);
  view.release();
});
