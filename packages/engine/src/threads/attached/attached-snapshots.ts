import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { SnapshotHandle } from '../../public/public-types.ts';
import { type Snapshot, SnapshotList } from '../../read/snapshot-list.ts';
import type { ControlBuffer } from '../control/control-buffer.ts';
import { SlotState } from '../control/control-layout.ts';
import { NO_SEQUENCE, UNSETTLED } from '../control/sequence-cell.ts';
import type { ThreadSlot } from '../control/thread-slot.ts';
import { revoked, type ThreadViews } from './thread-views.ts';

/** Where a moment to take comes from: `view` first, then the others of the same. */
type SnapshotViews = Pick<ThreadViews, 'view' | 'epoch' | 'lastSequence' | 'revocations'>;

/** Waits for the owner to be done with raising the horizon: it does that in a moment. */
const PAUSE_MS = 1;

/**
 * The snapshots of an attached thread. What counts for the owner is how many there are, and the oldest: it keeps everything
 * that a reader there can see, and so what any newer snapshot sees.
 */
export class AttachedSnapshots {
  readonly #control: ControlBuffer;
  readonly #slot: ThreadSlot;
  readonly #views: SnapshotViews;
  #list: SnapshotList;
  /** How often the thread had been revoked when the list was begun, and when each snapshot was taken. */
  #revocations = 0;
  readonly #takenAt = new WeakMap<SnapshotHandle, number>();

  constructor(control: ControlBuffer, slot: ThreadSlot, views: SnapshotViews) {
    this.#control = control;
    this.#slot = slot;
    this.#views = views;
    this.#list = this.#newList();
  }

  /** Opens a snapshot of everything that was acknowledged so far. */
  open(): Snapshot {
    for (;;) {
      const { view: _, epoch, lastSequence } = this.#views;
      this.#beginAnewIfRevoked();
      if (this.#list.size === 0) this.#slot.setSnapshots(1, lastSequence);
      if (this.#isKept(lastSequence, epoch)) {
        const snapshot = this.#list.open(lastSequence);
        this.#takenAt.set(snapshot, this.#revocations);
        return snapshot;
      }
      if (this.#list.size === 0) this.#slot.setSnapshots(0, NO_SEQUENCE);
    }
  }

  /** From now on the slot is not this thread's any more: snapshots that are still open may be closed, and say nothing. */
  end(): void {
    this.#list = this.#newList();
  }

  /** See `SnapshotList.sequenceOf`. Throws ARENA_THREAD_REVOKED for one that was given up. */
  sequenceOf(snapshot: SnapshotHandle): number {
    this.#slot.beat();
    const takenAt = this.#takenAt.get(snapshot);
    if (takenAt === undefined) {
      throw new EngineError(
        ErrorCode.InvalidArgument,
        'a snapshot must be one that snapshot() of this attached store gave',
      );
    }
    const { sequence } = snapshot;
    this.check(snapshot);
    return sequence;
  }

  /** After a read: throws when what it read may have been gone by then. */
  check(snapshot: SnapshotHandle): void {
    if (this.#takenAt.get(snapshot) !== this.#views.revocations) throw revoked();
  }

  /** The second look: was it registered before the owner could drop what it sees? */
  #isKept(sequence: number, epoch: number): boolean {
    const { horizon } = this.#control;
    if (horizon === UNSETTLED) this.#slot.waitForSignal(this.#slot.signal, PAUSE_MS);
    if (horizon === UNSETTLED || horizon > sequence) return false;
    return this.#control.epoch === epoch && this.#slot.state === SlotState.Attached;
  }

  #beginAnewIfRevoked(): void {
    const { revocations } = this.#views;
    if (revocations === this.#revocations) return;
    this.#revocations = revocations;
    this.#list = this.#newList();
  }

  #newList(): SnapshotList {
    const list = new SnapshotList(() => {
      if (list !== this.#list || this.#revocations !== this.#views.revocations) return;
      this.#slot.setSnapshots(list.size, list.oldest(NO_SEQUENCE));
    });
    return list;
  }
}
