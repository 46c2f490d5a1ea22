import { Running, runNow, type Steps, wait } from '@arena-level/common/base/steps';
import type { Storage } from '@arena-level/common/storage/storage';
import type { LiveJournal } from './live-journal.ts';

/**
 * Brings journals to the disk, oldest first, so that what survives a crash of the machine is a prefix of the
 * writes: no journal is synced before all older ones and its own name are.
 *
 * One pass serves every writer that waits (group commit of syncs): a pass covers what was written when it began.
 */
export class Durability {
  readonly #storage: Storage;
  readonly #journals: () => readonly LiveJournal[];
  readonly #onFailure: (journal: LiveJournal, error: unknown) => void;
  #pass: Running<void> | undefined;
  /** The pass after the one under way, for whoever came too late for that. */
  #next: Promise<void> | undefined;
  /** fdatasync calls on journals so far. */
  syncs = 0;

  /** `journals` gives those that still matter, oldest first. */
  constructor(
    storage: Storage,
    journals: () => readonly LiveJournal[],
    onFailure: (journal: LiveJournal, error: unknown) => void,
  ) {
    this.#storage = storage;
    this.#journals = journals;
    this.#onFailure = onFailure;
  }

  /** Resolves when everything written to the journals before the call is durable. */
  reach(): Promise<void> {
    if (this.#pass === undefined) return this.#begin().promise;
    this.#next ??= this.#pass.promise
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.reach();
      });
    return this.#next;
  }

  /** The same, blocking. */
  reachNow(): void {
    if (this.#pass !== undefined) {
      try {
        this.#pass.finishNow();
      } catch {
        // Whoever waited for that pass hears of it; this one meets the failed journal itself.
      }
    }
    runNow(this.#steps());
  }

  #begin(): Running<void> {
    const pass = new Running(this.#steps());
    if (!pass.settled) this.#pass = pass;
    return pass;
  }

  *#steps(): Steps<void> {
    try {
      for (const journal of [...this.#journals()]) yield* this.#one(journal);
    } finally {
      this.#pass = undefined;
    }
  }

  *#one(journal: LiveJournal): Steps<void> {
    if (journal.failure !== undefined) throw journal.failure;
    if (journal.isDurable) return;
    const writtenBytes = journal.writer.goodSize;
    try {
      if (!journal.nameDurable) {
        yield* wait(
          () => this.#storage.syncDirectoryNow(),
          () => this.#storage.syncDirectory(),
        );
        journal.nameDurable = true;
      }
      if (journal.durableBytes < writtenBytes) {
        this.syncs++;
        yield* wait(
          () => journal.syncNow(),
          () => journal.sync(),
        );
        journal.durableBytes = Math.max(journal.durableBytes, writtenBytes);
      }
    } catch (error) {
      // A journal whose memtable was committed to a table meanwhile is not needed any more.
      if (!this.#journals().includes(journal)) return;
      journal.failure ??= error;
      journal.syncFailed = true;
      this.#onFailure(journal, error);
      throw error;
    }
  }
}
