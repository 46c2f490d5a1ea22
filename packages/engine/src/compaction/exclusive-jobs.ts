/**
 * Work that wants no compaction beside it: one at a time, in the order in which it was asked for. It may still meet one
 * that could not be put off, and checks for itself what became of its tables.
 *
 * Kept by the coordinator. Main thread only.
 */
interface ExclusiveJob {
  readonly run: () => Promise<void>;
  readonly resolve: (didRun: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class ExclusiveJobs {
  readonly #waiting: ExclusiveJob[] = [];
  #running: Promise<void> | undefined;

  /** Resolves with true when the work is done, with false when it is not to be begun. */
  add(run: () => Promise<void>): Promise<boolean> {
    return new Promise((resolve, reject) => this.#waiting.push({ run, resolve, reject }));
  }

  /** Whether there is such work under way; what waits is begun. `onEnd` is called behind it. */
  holds(onEnd: () => void): boolean {
    if (this.#running !== undefined) return true;
    const job = this.#waiting.shift();
    if (job === undefined) return false;
    this.#running = job
      .run()
      .then(() => job.resolve(true), job.reject)
      .then(() => {
        this.#running = undefined;
        onEnd();
      });
    return true;
  }

  /** Nothing of what waits is begun. */
  refuse(): void {
    for (const job of this.#waiting.splice(0)) job.resolve(false);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }
}
