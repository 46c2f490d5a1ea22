/**
 * Appends version edits to one manifest.
 *
 * A failed write or sync leaves it open whether the edit is in the file. So a failure is final: nothing is appended
 * behind it, and the file is never synced again.
 */
import { type Steps, wait } from '@arena-level/common/base/steps';
import type { WritableFile } from '@arena-level/common/storage/storage';
import { LogWriter } from '../journal/log-writer.ts';

export class ManifestWriter {
  /** File number. */
  readonly number: number;
  readonly #file: WritableFile;
  readonly #log: LogWriter;

  /** REQUIRES: `file` is new. */
  constructor(file: WritableFile) {
    this.number = file.file.number;
    this.#file = file;
    this.#log = new LogWriter(file);
  }

  get sizeBytes(): number {
    return this.#log.goodSize;
  }

  get hasFailed(): boolean {
    return this.#log.failure !== undefined;
  }

  /** Appends an encoded edit; durable after `sync`. */
  *append(edit: Uint8Array): Steps<void> {
    const log = this.#log;
    log.prepare(edit, 0, edit.length);
    yield* wait(
      () => log.writeNow(),
      () => log.write(),
    );
    log.commitPrepared();
  }

  *sync(): Steps<void> {
    const file = this.#file;
    try {
      yield* wait(
        () => file.syncNow(),
        () => file.sync(),
      );
    } catch (error) {
      throw this.#log.fail(error);
    }
  }

  closeNow(): void {
    this.#file.closeNow();
  }
}
