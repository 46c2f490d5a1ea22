import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';

/**
 * Whether the store takes writes.
 *
 *   healthy → healing   a journal failed: its memtables are on their way to tables; writes queue
 *   healing → healthy   they are committed, a new journal is in place
 *   healthy, healing → stopped   a failure that does not pass by itself: writes fail with `error`, reads go on
 *   stopped → healing   `resume()`, or another try for a cause that passes
 *   any → closed
 */
export type HealthState = 'healthy' | 'healing' | 'stopped' | 'closed';

export class Health {
  #state: HealthState = 'healthy';
  #cause: unknown;

  get state(): HealthState {
    return this.#state;
  }

  /** What made the store heal or stop. */
  get cause(): unknown {
    return this.#cause;
  }

  heal(cause: unknown): void {
    if (this.#state === 'closed') return;
    this.#state = 'healing';
    this.#cause = cause;
  }

  stop(cause: unknown): void {
    if (this.#state === 'closed') return;
    this.#state = 'stopped';
    this.#cause = cause;
  }

  recover(): void {
    if (this.#state === 'closed') return;
    this.#state = 'healthy';
    this.#cause = undefined;
  }

  close(): void {
    this.#state = 'closed';
  }

  /** Throws unless the store is open. */
  checkOpen(): void {
    if (this.#state === 'closed') throw new EngineError(ErrorCode.DatabaseNotOpen, 'the store is closed');
  }

  /** What a write is told that cannot be taken. */
  refusal(): EngineError {
    if (this.#state === 'closed') return new EngineError(ErrorCode.DatabaseNotOpen, 'the store is closed');
    const what =
      this.#state === 'healing' ? 'the store is healing and takes no blocking write' : 'writes are stopped';
    return new EngineError(ErrorCode.WritesStopped, `${what}: ${messageOf(this.#cause)}`, {
      cause: this.#cause,
    });
  }
}
