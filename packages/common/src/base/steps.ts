/**
 * Steps: one sequence of file work, two ways to wait for it.
 *
 * The engine's promises are orders of file operations. Each order is written once, as a generator that yields
 * steps; a step can be taken now (blocking the thread) or later (a promise). Asynchronous methods run a sequence
 * later, their sync twins run the same sequence now, and a twin that meets a sequence already under way takes it
 * over: it repeats the step that is being waited for, blocking, and runs the rest at once.
 *
 * INVARIANT: a step may be repeated. Writes are positional, syncs and directory syncs are idempotent (see
 * `storage.ts` for what that asks of a sync's descriptor), removals accept a file that is already gone.
 */
export interface Step<T> {
  now(): T;
  later(): Promise<T>;
}

export type Steps<T> = Generator<Step<unknown>, T, unknown>;

/** Waits for one step inside a sequence: `const n = yield* wait(step)`. */
export function* wait<T>(now: () => T, later: () => Promise<T>): Steps<T> {
  return (yield { now, later }) as T;
}

/** Runs a sequence to its end, blocking. */
export function runNow<T>(steps: Steps<T>): T {
  return drainNow(steps, steps.next());
}

/** Runs a sequence, waiting for its steps without blocking. */
export function runLater<T>(steps: Steps<T>): Promise<T> {
  return new Running(steps).promise;
}

/** A sequence under way. `finishNow` takes it over. */
export class Running<T> {
  readonly promise: Promise<T>;
  readonly #steps: Steps<T>;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #waitingFor: Step<unknown> | undefined;
  /** Grows with each step taken, so that a late answer to a step that was taken over is recognised. */
  #turn = 0;
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined;

  constructor(steps: Steps<T>) {
    this.#steps = steps;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#advance(() => steps.next());
  }

  get settled(): boolean {
    return this.#outcome !== undefined;
  }

  /** Runs what is left, blocking, and returns (or throws) the outcome. The promise settles alike. */
  finishNow(): T {
    const step = this.#waitingFor;
    // The outcome is delivered to the caller here; the promise may have no one waiting for it.
    this.promise.catch(() => {});
    if (this.#outcome === undefined && step !== undefined) {
      this.#turn++;
      this.#waitingFor = undefined;
      try {
        this.#settle({ value: drainNow(this.#steps, takeNow(this.#steps, step)) });
      } catch (error) {
        this.#settle({ error });
      }
    }
    const outcome = this.#outcome;
    if (outcome === undefined)
      throw new Error('a sequence was asked to finish from inside one of its own steps');
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  #advance(resume: () => IteratorResult<Step<unknown>, T>): void {
    let result: IteratorResult<Step<unknown>, T>;
    try {
      result = resume();
    } catch (error) {
      this.#settle({ error });
      return;
    }
    if (result.done) {
      this.#settle({ value: result.value });
      return;
    }
    const turn = ++this.#turn;
    const step = result.value;
    this.#waitingFor = step;
    const continueWith = (next: () => IteratorResult<Step<unknown>, T>): void => {
      if (turn !== this.#turn) return;
      this.#waitingFor = undefined;
      this.#advance(next);
    };
    let answer: Promise<unknown>;
    try {
      answer = step.later();
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then(
      (value) => continueWith(() => this.#steps.next(value)),
      (error: unknown) => continueWith(() => this.#steps.throw(error)),
    );
  }

  #settle(outcome: { readonly value: T } | { readonly error: unknown }): void {
    this.#outcome = outcome;
    if ('error' in outcome) this.#reject(outcome.error);
    else this.#resolve(outcome.value);
  }
}

function drainNow<T>(steps: Steps<T>, first: IteratorResult<Step<unknown>, T>): T {
  let result = first;
  while (!result.done) result = takeNow(steps, result.value);
  return result.value;
}

function takeNow<T>(steps: Steps<T>, step: Step<unknown>): IteratorResult<Step<unknown>, T> {
  let value: unknown;
  try {
    value = step.now();
  } catch (error) {
    return steps.throw(error);
  }
  return steps.next(value);
}
