/**
 * Work on the items of a source, several of them at a time, whose outcomes are taken in the order of the items. So much is
 * read ahead as may be under way, and no more. One consumer.
 */
export class OrderedTasks<Item, Outcome> {
  readonly #items: AsyncIterator<Item>;
  readonly #limit: number;
  readonly #start: (item: Item) => Promise<Outcome>;
  /** Begun and not taken, oldest first. */
  readonly #begun: { readonly item: Item; readonly outcome: Promise<Outcome> }[] = [];
  /** The next item is being read. */
  #reading: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #hasEnded = false;
  #wake: () => void = () => {};
  readonly #stopped: Promise<void> = new Promise((resolve) => {
    this.#wake = resolve;
  });

  constructor(items: AsyncIterator<Item>, limit: number, start: (item: Item) => Promise<Outcome>) {
    this.#items = items;
    this.#limit = limit;
    this.#start = start;
  }

  /** The next outcome; undefined behind the last one. Throws what the work, or behind all that was begun the source, threw. */
  async next(): Promise<{ readonly item: Item; readonly outcome: Outcome } | undefined> {
    for (;;) {
      this.#readAhead();
      const oldest = this.#begun[0];
      if (oldest !== undefined) {
        const outcome = await oldest.outcome;
        this.#begun.shift();
        return { item: oldest.item, outcome };
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#hasEnded) return undefined;
      await Promise.race([this.#reading, this.#stopped]);
    }
  }

  /** Begins nothing more. Resolves when nothing that was begun is under way; an item that is being read is not waited for. */
  async stop(): Promise<void> {
    this.#hasEnded = true;
    this.#wake();
    await Promise.allSettled(this.#begun.map(({ outcome }) => outcome));
  }

  #readAhead(): void {
    if (this.#reading !== undefined || this.#hasEnded || this.#begun.length >= this.#limit) return;
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined;
      this.#readAhead();
    });
  }

  async #read(): Promise<void> {
    try {
      const next = await this.#items.next();
      if (this.#hasEnded) return;
      if (next.done === true) {
        this.#hasEnded = true;
        return;
      }
      const outcome = this.#start(next.value);
      // Whoever takes it hears of a failure.
      outcome.catch(() => {});
      this.#begun.push({ item: next.value, outcome });
    } catch (error) {
      this.#failure = { error };
      this.#hasEnded = true;
    }
  }
}
