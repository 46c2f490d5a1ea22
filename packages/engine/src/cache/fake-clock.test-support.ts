import type { Clock } from '@arena-level/common/base/clock';

/** A clock that stands still until it is told to go on. Timers are not used by the caches. */
export class FakeClock implements Clock {
  nowMs = 1000;

  now(): number {
    return this.nowMs;
  }

  advance(ms: number): void {
    this.nowMs += ms;
  }

  after(): () => void {
    throw new Error('no timers here');
  }

  keepAlive(): () => void {
    throw new Error('nothing to wait for here');
  }
}
