import type { Clock } from '@arena-level/common/base/clock';
import { newMessageId } from './channels.ts';
import type { ErrorMessage, ErrorReason } from './messages.ts';

interface Trouble {
  readonly id: number;
  readonly beganMs: number;
  error: Error;
  count: number;
}

type Details = Pick<Extract<ErrorMessage, { phase: 'begin' }>, 'file' | 'retryInMs'>;

/** What is in trouble, at most one of each kind: told at each failure, and when it has passed. */
export class TroubleList {
  readonly #location: string;
  readonly #clock: Clock;
  readonly #send: (message: ErrorMessage) => void;
  readonly #troubles = new Map<ErrorReason, Trouble>();

  constructor(location: string, clock: Clock, send: (message: ErrorMessage) => void) {
    this.#location = location;
    this.#clock = clock;
    this.#send = send;
  }

  enter(reason: ErrorReason, error: Error, details: Details = {}): void {
    let trouble = this.#troubles.get(reason);
    if (trouble === undefined) {
      trouble = { id: newMessageId(), beganMs: this.#clock.now(), error, count: 0 };
      this.#troubles.set(reason, trouble);
    }
    trouble.error = error;
    trouble.count++;
    const { id, count } = trouble;
    this.#send({ phase: 'begin', location: this.#location, id, reason, error, count, ...details });
  }

  pass(reason: ErrorReason, outcome: 'passed' | 'closed' = 'passed'): void {
    const trouble = this.#troubles.get(reason);
    if (trouble === undefined) return;
    this.#troubles.delete(reason);
    const { id, beganMs, error, count } = trouble;
    const durationMs = this.#clock.now() - beganMs;
    this.#send({ phase: 'end', location: this.#location, id, reason, outcome, durationMs, error, count });
  }

  /** Trouble that is over at once: nothing of it is tried again. */
  note(reason: ErrorReason, error: Error, details: Details = {}): void {
    this.enter(reason, error, details);
    this.pass(reason);
  }

  close(): void {
    for (const reason of [...this.#troubles.keys()]) this.pass(reason, 'closed');
  }
}
