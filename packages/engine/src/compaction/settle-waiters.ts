interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait until there is nothing to compact. */
export class SettleWaiters {
  #waiters: Waiter[] = [];

  wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** There is nothing to compact, or nothing but what `damage` is in the way of. */
  end(damage: unknown): void {
    if (damage !== undefined) this.fail(damage);
    for (const { resolve } of this.#take()) resolve();
  }

  fail(error: unknown): void {
    for (const { reject } of this.#take()) reject(error);
  }

  #take(): readonly Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters;
  }
}
