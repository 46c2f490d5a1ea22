import type { Clock } from '@arena-level/common/base/clock';

/**
 * Keeps long asynchronous reads from starving the event loop. Reads that find everything in memory never wait, and
 * a loop that awaits them would never let a timer or a socket have its turn.
 */
export interface Turns {
  /** True when this turn of the event loop has lasted long enough: wait for `next` before going on. */
  isDue(): boolean;
  /** Resolves in the next turn. */
  next(): Promise<void>;
}

/** Work allowed per turn; a step between two looks at the clock comes on top. */
const TURN_MS = 0.75;

export class LoopTurns implements Turns {
  readonly #clock: Clock;
  /** When this turn was first asked about; -1 when it was not. */
  #since = -1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isDue(): boolean {
    if (this.#since >= 0) return this.#clock.now() - this.#since >= TURN_MS;
    this.#since = this.#clock.now();
    setImmediate(this.#endTurn);
    return false;
  }

  next(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  readonly #endTurn = (): void => {
    this.#since = -1;
  };
}
