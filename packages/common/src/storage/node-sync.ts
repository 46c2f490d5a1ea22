/**
 * Syncs of one open file or directory, blocking and asynchronous.
 *
 * Linux reports a write-back error once per open file description, to whichever sync comes first. From that follow:
 *
 * - Blocking and asynchronous syncs use a description each, because a blocking one may be taken while an
 *   asynchronous one is under way and must not lose its error to it. The second description is opened before the
 *   first asynchronous sync starts: an error that happens later is then new to both.
 * - Asynchronous syncs of one file do not overlap. One that is asked for meanwhile starts after, for all who asked.
 * - After a failed sync the kernel holds the lost pages for clean, and the next sync would succeed. So a failure
 *   stays: every later sync gives the same error without asking the kernel.
 */
import type { Callback, NodeDescriptor } from './node-descriptor.ts';

export interface SyncCalls {
  now(number: number): void;
  later(number: number, done: (error: NodeJS.ErrnoException | null) => void): void;
}

export class NodeSync {
  readonly #asynchronous: NodeDescriptor;
  readonly #openAnother: () => NodeDescriptor;
  readonly #calls: SyncCalls;
  #blocking: NodeDescriptor | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** Owns only the descriptors it opens by `openAnother`. */
  constructor(own: NodeDescriptor, openAnother: () => NodeDescriptor, calls: SyncCalls) {
    this.#asynchronous = own;
    this.#openAnother = openAnother;
    this.#calls = calls;
  }

  now(): void {
    this.#throwFailure();
    try {
      this.#calls.now((this.#blocking ?? this.#asynchronous).number);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  async later(): Promise<void> {
    this.#throwFailure();
    this.#blocking ??= this.#openAnother();
    if (this.#running === undefined) {
      this.#running = this.#issue(undefined);
      return this.#running;
    }
    this.#next ??= this.#issue(this.#running);
    return this.#next;
  }

  closeNow(): void {
    this.#blocking?.closeNow();
  }

  /** Holds the descriptor from now on; the system call comes when `previous` has ended. */
  async #issue(previous: Promise<void> | undefined): Promise<void> {
    try {
      await this.#asynchronous.later<void>((number, done) => {
        const begin = (): void => this.#begin(number, done);
        if (previous === undefined) begin();
        else previous.then(begin, begin);
      });
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    } finally {
      this.#running = this.#next;
      this.#next = undefined;
    }
  }

  #begin(number: number, done: Callback<void>): void {
    if (this.#failure === undefined) this.#calls.later(number, (error) => done(error, undefined));
    else done(this.#failure.error as Error, undefined);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
