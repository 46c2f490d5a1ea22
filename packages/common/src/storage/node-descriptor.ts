/**
 * A file descriptor with an owner.
 *
 * INVARIANT: the number is given back to the system only when no asynchronous operation uses it any more. The
 * system reuses numbers at once, and a write still queued in the libuv pool would land in another file. Operations
 * that were taken over (see base/steps.ts) are still queued when their file is closed, so this is no rare case.
 */
import { close, closeSync, fstatSync } from 'node:fs';
import { invariant } from '../base/invariant.ts';

export type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

export class NodeDescriptor {
  readonly #number: number;
  #pending = 0;
  #closed = false;

  constructor(number: number) {
    this.#number = number;
  }

  /** The number, for a blocking call. */
  get number(): number {
    invariant(!this.#closed, 'a closed file is not used');
    return this.#number;
  }

  /** Runs an asynchronous call on the descriptor and holds it open meanwhile. */
  later<T>(call: (number: number, done: Callback<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const number = this.number;
      this.#pending++;
      try {
        call(number, (error, value) => {
          this.#release();
          if (error) reject(error);
          else resolve(value);
        });
      } catch (error) {
        this.#release();
        throw error;
      }
    });
  }

  /** Closing again does nothing. */
  closeNow(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#pending === 0) closeSync(this.#number);
  }

  #release(): void {
    this.#pending--;
    if (this.#closed && this.#pending === 0) close(this.#number, ignoreCloseError);
  }

  isSameFile(other: NodeDescriptor): boolean {
    const a = fstatSync(this.number, { bigint: true });
    const b = fstatSync(other.number, { bigint: true });
    return a.ino === b.ino && a.dev === b.dev;
  }
}

/** What was promised about the data was settled by a sync; nobody is left to tell. */
function ignoreCloseError(): void {}
