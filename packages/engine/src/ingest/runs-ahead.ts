/**
 * Pieces that come as tables and are not taken in yet. What they hold may have to be turned back to batches, which takes
 * threads: while there are any, no piece is begun that comes as batches, or those might have all threads and wait
 * for room in their rings, until all before them is written.
 */
export class RunsAhead {
  #count = 0;
  #isGivenUp = false;
  #waiting: (() => void)[] = [];

  begin(): void {
    this.#count++;
  }

  end(): void {
    this.#count--;
    if (this.#count === 0) this.#letIn();
  }

  /** Resolves when there are none. */
  async none(): Promise<void> {
    if (this.#count > 0 && !this.#isGivenUp)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Nobody takes anything in any more. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#letIn();
  }

  #letIn(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
