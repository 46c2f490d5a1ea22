import { Running, type Steps } from '@arena-level/common/base/steps';

/**
 * Work in its place among the writes: begun when all before it are written, and those behind it wait for its end, whatever
 * comes of it. A blocking write that finds it under way finishes it first.
 */
export class ExclusiveWork {
  readonly promise: Promise<void>;
  reject!: (error: unknown) => void;
  readonly #steps: () => Steps<void>;
  #resolve!: () => void;
  #running: Running<void> | undefined;

  constructor(steps: () => Steps<void>) {
    this.#steps = steps;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.reject = reject;
    });
  }

  get isBegun(): boolean {
    return this.#running !== undefined;
  }

  /** Begins, unless it has begun. True when it has ended; otherwise `onEnd` is called behind its end. */
  begin(onEnd: () => void): boolean {
    if (this.#running === undefined) this.#start().then(onEnd, onEnd);
    return this.#running!.settled;
  }

  /** To its end on this thread; who asked for the work hears what came of it. */
  finishNow(): void {
    if (this.#running === undefined) void this.#start().catch(() => {});
    try {
      this.#running!.finishNow();
    } catch {
      // As above.
    }
  }

  #start(): Promise<void> {
    const running = new Running(this.#steps());
    this.#running = running;
    running.promise.then(this.#resolve, this.reject);
    return running.promise;
  }
}
