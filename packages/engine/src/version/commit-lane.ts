/**
 * Commits come one at a time, whoever makes them. A sequence that finds another one under way waits for its end; a
 * blocking call that finds one takes it over and finishes it first.
 *
 * Main thread only.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { Running, type Steps, wait } from '@arena-level/common/base/steps';

/** A commit under way, whatever it gives. */
type Commit = Pick<Running<unknown>, 'settled' | 'finishNow' | 'promise'>;

export class CommitLane {
  #occupant: Commit | undefined;
  #isClosed = false;

  /** Runs `commit` when no other commit is under way, and gives its outcome. */
  *run<T>(commit: () => Steps<T>): Steps<T> {
    for (;;) {
      if (this.#isClosed)
        throw new EngineError(ErrorCode.DatabaseNotOpen, 'the store was closed before the commit');
      const before = this.#occupant;
      if (before === undefined || before.settled) break;
      yield* wait(
        () => endNow(before),
        () => endLater(before),
      );
    }
    const running = new Running(commit());
    this.#occupant = running;
    // Its outcome is given below, or by whoever takes it over.
    running.promise.catch(() => {});
    return yield* wait(
      () => running.finishNow(),
      () => running.promise,
    );
  }

  /** Brings a commit that is under way to its end on this thread, whatever becomes of it. */
  finishNow(): void {
    const occupant = this.#occupant;
    if (occupant !== undefined && !occupant.settled) endNow(occupant);
  }

  /** Nothing is committed any more, by those either that wait here. Resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.settled();
  }

  /** Resolves when the commit that is under way now has ended. */
  async settled(): Promise<void> {
    if (this.#occupant !== undefined) await endLater(this.#occupant);
  }
}

function endNow(running: Commit): void {
  try {
    running.finishNow();
  } catch {
    // Its own caller hears of it.
  }
}

function endLater(running: Commit): Promise<void> {
  return running.promise.then(
    () => {},
    () => {},
  );
}
