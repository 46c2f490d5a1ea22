import { expect, test } from 'vitest';
import { ControlBuffer } from '../control/control-buffer.ts';
import { SlotState } from '../control/control-layout.ts';
import { NO_SEQUENCE, UNSETTLED } from '../control/sequence-cell.ts';
import { ThreadLink } from '../owner/thread-link.ts';
import { ThreadSnapshots } from '../owner/thread-snapshots.ts';
import { OwnerAndThread } from '../threads.test-support.ts';
import { AttachedSnapshots } from './attached-snapshots.ts';

/** The owner does something right before the thread takes its second look. */
class InterruptedControl extends ControlBuffer {
  beforeLook: (() => void) | undefined;

  override get horizon(): number {
    const { beforeLook } = this;
    this.beforeLook = undefined;
    beforeLook?.();
    return super.horizon;
  }
}

function setUp(sequence: number) {
  const both = new OwnerAndThread();
  both.publish(sequence);
  const control = new InterruptedControl(both.control.words.buffer);
  const link = new ThreadLink(both.slot, 0, undefined as never, { name: 'thread', stallMs: 1000 });
  const owner = new ThreadSnapshots(both.control, () => [link]);
  return { both, control, owner, snapshots: new AttachedSnapshots(control, both.slot, both.views) };
}

test('the owner sees the oldest of the snapshots that are open, and their number', () => {
  const { both, owner, snapshots } = setUp(10);
  expect(owner.oldest(5)).toBe(5);
  const first = snapshots.open();
  both.publish(20);
  const second = snapshots.open();
  expect([first.sequence, second.sequence, owner.size, owner.oldest(100)]).toEqual([10, 20, 2, 10]);
  first.close();
  expect([owner.size, owner.oldest(100)]).toEqual([1, 20]);
  second.close();
  expect([owner.size, owner.oldest(100), both.slot.oldestSnapshot]).toEqual([0, 100, NO_SEQUENCE]);
});

test('a snapshot below a horizon that was raised meanwhile is not taken', () => {
  const { both, control, owner, snapshots } = setUp(10);
  let oldest = 0;
  control.beforeLook = () => {
    both.write(20);
    oldest = owner.oldest(15);
  };
  const snapshot = snapshots.open();
  // It was registered by then: had it been taken, it would have been kept.
  expect(oldest).toBe(10);
  expect(snapshot.sequence).toBe(20);
  expect(owner.oldest(100)).toBe(20);
});

test('a snapshot of a view that was replaced meanwhile is not taken', () => {
  const { both, control, snapshots } = setUp(10);
  control.beforeLook = () => both.publish(10);
  expect(snapshots.open().sequence).toBe(10);
  expect(both.views.epoch).toBe(2);
});

test('nothing is dropped with a snapshot that was registered before, and none is taken while it is dropped', () => {
  const { both, control, owner, snapshots } = setUp(10);
  const done: string[] = [];
  control.beforeLook = () => {
    done.push(`registered: ${owner.ifNone(() => done.push('dropped'))}`);
  };
  snapshots.open().close();
  expect(owner.ifNone(() => done.push(`horizon ${control.horizon}`))).toBe(true);
  expect(done).toEqual(['registered: false', `horizon ${UNSETTLED}`]);
  expect(both.control.horizon).toBe(0);
});

test('the snapshots of a thread that was given up, or has not attached, do not count', () => {
  const { both, owner, snapshots } = setUp(10);
  const snapshot = snapshots.open();
  both.slot.change(SlotState.Attached, SlotState.Revoked);
  expect([owner.size, owner.oldest(100)]).toEqual([0, 100]);
  expect(() => snapshots.check(snapshot)).toThrow(/given up/);
  both.publish(200);
  const next = snapshots.open();
  snapshot.close();
  expect([next.sequence, owner.size, owner.oldest(1000)]).toEqual([200, 1, 200]);
});
