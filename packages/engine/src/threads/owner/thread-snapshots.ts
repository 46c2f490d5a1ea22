import type { ForeignSnapshots } from '../../read/snapshot-list.ts';
import type { ControlBuffer } from '../control/control-buffer.ts';
import type { ThreadLink } from './thread-link.ts';

/**
 * The snapshots that attached threads have open. A thread registers one and then looks at the horizon; the owner raises the
 * horizon and then looks at the slots. Whichever comes second sees the other.
 */
export class ThreadSnapshots implements ForeignSnapshots {
  readonly #control: ControlBuffer;
  readonly #links: () => Iterable<ThreadLink>;

  constructor(control: ControlBuffer, links: () => Iterable<ThreadLink>) {
    this.#control = control;
    this.#links = links;
  }

  get size(): number {
    let size = 0;
    for (const link of this.#links()) if (link.isAttached) size += link.slot.snapshots;
    return size;
  }

  oldest(horizon: number): number {
    this.#control.raiseHorizon(horizon);
    let oldest = horizon;
    for (const { isAttached, slot } of this.#links()) {
      if (isAttached) oldest = Math.min(oldest, slot.oldestSnapshot);
    }
    return oldest;
  }

  ifNone(step: () => void): boolean {
    return this.#control.withoutNewSnapshots(() => {
      if (this.size > 0) return false;
      step();
      return true;
    });
  }
}
