/** Lets so many promises be on their way at a time. */
export class InFlight {
  readonly #most: number;
  readonly #pending: Promise<unknown>[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when there is room for another one. Rejects when one has. */
  async add(promise: Promise<unknown>): Promise<void> {
    // Looked at when its turn comes, which may be later than it fails.
    promise.catch(() => undefined);
    this.#pending.push(promise);
    if (this.#pending.length >= this.#most) await this.#pending.shift();
  }

  /** Resolves when none is left. */
  async end(): Promise<void> {
    while (this.#pending.length > 0) await this.#pending.shift();
  }
}
