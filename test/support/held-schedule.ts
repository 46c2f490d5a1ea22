/** Completes the asynchronous operations of a `MemoryStorage` when the test says so, in the order of their calls. */
export class HeldSchedule {
  readonly #waiting: (() => void)[] = [];
  /** False: operations complete in a microtask, as if nobody held them. */
  holds = true;

  /** For `MemoryStorageOptions.schedule`. */
  readonly add = (complete: () => void): void => {
    if (this.holds) this.#waiting.push(complete);
    else queueMicrotask(complete);
  };

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Completes the operation that was called first, or the `at`-th of those that wait. */
  completeNext(at = 0): void {
    const [complete] = this.#waiting.splice(at, 1);
    if (complete === undefined) throw new Error('no operation waits');
    complete();
  }

  /** Lets go of what waits, and of everything from now on. */
  release(): void {
    this.holds = false;
    for (const complete of this.#waiting.splice(0)) complete();
  }
}
