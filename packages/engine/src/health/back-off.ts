/**
 * Attempts that fail, and when the next one is due: after 1, 2, 4, 8, 8, … s. For a cause that does not pass by itself
 * one repetition is made; then there is none until it is asked for.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { passesByItself } from './passing.ts';
import { retryDelayMs } from './retry-delay.ts';

/** Attempts for a cause that does not pass by itself. */
const PERSISTENT_ATTEMPTS = 2;

export class BackOff {
  readonly #clock: Clock;
  #failures = 0;
  #failure: unknown;
  #isStopped = false;
  #onRetry: (() => void) | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The last cause, once it does not look as if it would pass soon. */
  get failure(): unknown {
    return this.#failures >= PERSISTENT_ATTEMPTS ? this.#failure : undefined;
  }

  /** The last cause, however likely it is to pass. */
  get lastFailure(): unknown {
    return this.#failure;
  }

  /** No further attempt comes by itself. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** An attempt has failed, and the next one is not due. */
  get isWaiting(): boolean {
    return this.#onRetry !== undefined;
  }

  /** An attempt has failed; `onRetry` is called when the next one is due. Returns in how many milliseconds, Infinity: not by itself. */
  fail(error: unknown, onRetry: () => void): number {
    this.#forgetWait();
    this.#failures++;
    this.#failure = error;
    this.#isStopped = !passesByItself(error) && this.#failures >= PERSISTENT_ATTEMPTS;
    this.#onRetry = onRetry;
    if (this.#isStopped) return Number.POSITIVE_INFINITY;
    const delayMs = retryDelayMs(this.#failures);
    this.#cancel = this.#clock.after(delayMs, () => this.end());
    return delayMs;
  }

  /** An attempt has succeeded, whoever made it: no other one is waited for. */
  succeed(): void {
    this.#forgetWait();
    this.#failures = 0;
    this.#failure = undefined;
    this.#isStopped = false;
  }

  /** Begins anew: an attempt that is waited for is due now, also behind a failure that had stopped them. */
  restart(): void {
    const onRetry = this.#onRetry;
    this.succeed();
    onRetry?.();
  }

  /** Ends the wait now: the next attempt is due. */
  end(): void {
    const onRetry = this.#onRetry;
    this.#forgetWait();
    onRetry?.();
  }

  #forgetWait(): void {
    this.#onRetry = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
