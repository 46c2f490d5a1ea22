import type { Clock } from './clock.ts';

/** A clock that stands still until it is told to go on, so that nothing depends on how fast a machine is. */
export class ManualClock implements Clock {
  #nowMs = 0;
  /** Time that each look at the clock takes: not 0 where work is to seem slow. */
  msPerLook = 0;
  #timers: { readonly dueMs: number; readonly callback: () => void }[] = [];

  now(): number {
    this.#nowMs += this.msPerLook;
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many keep the process alive. */
  alive = 0;

  keepAlive(): () => void {
    this.alive++;
    return () => {
      this.alive--;
    };
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Goes on by `ms` and calls what is due, in its order. */
  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ dueMs }) => dueMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ dueMs }) => dueMs > this.#nowMs);
    for (const { callback } of due.sort((a, b) => a.dueMs - b.dueMs)) callback();
  }
}
