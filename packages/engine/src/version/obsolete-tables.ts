/**
 * Removes the files of tables that no version has any more.
 *
 * A table is handed in when its removal from the manifest is durable and its last reader has gone. Its file goes at
 * once, unless the manifest has failed meanwhile: then nothing is removed until a commit has succeeded again. What
 * cannot be removed is reported, and left to the next open.
 *
 * Main thread only.
 */
import { fileName, tableFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { EventSink } from '../events/event-sink.ts';

export class ObsoleteTables {
  readonly #storage: Storage;
  readonly #events: EventSink;
  readonly #isHealthy: () => boolean;
  #waiting: number[] = [];
  readonly #removals = new Set<Promise<void>>();

  constructor(storage: Storage, events: EventSink, isHealthy: () => boolean) {
    this.#storage = storage;
    this.#events = events;
    this.#isHealthy = isHealthy;
  }

  add(table: number): void {
    this.#waiting.push(table);
    this.remove();
  }

  /** Removes what waits, if files may be removed. */
  remove(): void {
    if (!this.#isHealthy()) return;
    for (const table of this.#waiting.splice(0)) this.#remove(table);
  }

  /** Resolves when no removal is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#removals);
  }

  #remove(table: number): void {
    const removal = this.#storage
      .remove(tableFile(table))
      .then(
        () => this.#events.emit('table-removed', { table }),
        (error: unknown) =>
          this.#events.emit('cleanup-failed', { file: fileName(tableFile(table)), error: error as Error }),
      )
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }
}
