/**
 * Slows writers down while level 0 has too many tables, so that they need not be stopped.
 *
 * From the slowdown trigger on, writers may write as many bytes per millisecond as compaction has lately taken out of
 * level 0, times a share that shrinks from one half to almost nothing as level 0 grows towards the pause trigger:
 * where both balance, level 0 stays. A write waits for the bytes written before it, never for its own, and never
 * longer than a second.
 *
 * Main thread only.
 */
import type { Clock } from '@arena-level/common/base/clock';
import type { LevelSizes } from '../options/level-sizes.ts';

/** A shorter wait is not worth a timer; it adds to the next one. */
const SHORTEST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 1000;

export interface Level0State {
  /** Tables of level 0. */
  readonly level0: number;
  /** Bytes that compactions take out of it per millisecond. */
  readonly drainBytesPerMs: number;
}

export class Level0Throttle {
  readonly #sizes: LevelSizes;
  readonly #clock: Clock;
  readonly #state: () => Level0State;
  /** When everything written so far has been paid for. */
  #paidAtMs = 0;
  #cancelWait: (() => void) | undefined;

  constructor(sizes: LevelSizes, clock: Clock, state: () => Level0State) {
    this.#sizes = sizes;
    this.#clock = clock;
    this.#state = state;
  }

  /** Milliseconds that the next write has to wait. */
  waitMs(): number {
    const { level0 } = this.#state();
    if (level0 < this.#sizes.level0Slowdown) return 0;
    const wait = Math.min(this.#paidAtMs - this.#clock.now(), LONGEST_WAIT_MS);
    return wait < SHORTEST_WAIT_MS ? 0 : wait;
  }

  /** Whether the next write has to wait; then `onOver` is called when that is over. One wait at a time. */
  holdsUp(onOver: () => void): boolean {
    this.cancel();
    const waitMs = this.waitMs();
    if (waitMs === 0) return false;
    this.#cancelWait = this.#clock.after(waitMs, () => {
      this.#cancelWait = undefined;
      onOver();
    });
    return true;
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
  }

  /** A write was let through. */
  charge(bytes: number): void {
    const { level0Slowdown, level0Pause } = this.#sizes;
    const { level0, drainBytesPerMs } = this.#state();
    if (level0 < level0Slowdown) return;
    // 1 at the slowdown trigger, close to 0 before the pause trigger.
    const room = Math.max(level0Pause - level0, 0.5) / Math.max(level0Pause - level0Slowdown, 1);
    const share = Math.min(room, 1) / 2;
    const costMs = bytes / (drainBytesPerMs * share);
    const now = this.#clock.now();
    this.#paidAtMs = Math.min(Math.max(this.#paidAtMs, now) + costMs, now + LONGEST_WAIT_MS);
  }

  /** How far level 0 is on its way from its compaction trigger to its pause trigger: 0 to 1. */
  pressure(): number {
    const { level0Trigger, level0Pause } = this.#sizes;
    const share = (this.#state().level0 - level0Trigger) / (level0Pause - level0Trigger);
    return Math.min(Math.max(share, 0), 1);
  }
}
