import { type FileDesc, journalFile } from '@arena-level/common/storage/file-desc';
import type { Storage, WritableFile } from '@arena-level/common/storage/storage';
import { BATCH_HEADER_BYTES, writeBatchHeader } from './batch-codec.ts';
import { LogWriter } from './log-writer.ts';

/**
 * A journal that is being written or not yet removed, and how far it has reached the disk.
 *
 * Its first record is an *opening record*: a batch of no entries whose sequence number is the one after all that
 * was written before the journal was created. Any LevelDB reads over it. Replay compares it with what it has seen:
 * a gap means that writes before this journal were lost in a crash of the machine, and then nothing behind the
 * gap is replayed. That is what keeps an unsynced journal from surviving an unsynced predecessor.
 */
export class LiveJournal {
  readonly number: number;
  readonly writer: LogWriter;
  readonly #file: WritableFile;
  /** True once the directory was synced after the creation. */
  nameDurable = false;
  /** Bytes known to be on the disk. */
  durableBytes = 0;
  /** The first failure of a write or sync: nothing is written to the file after it, nor is it synced again. */
  failure: unknown;
  /** The failure was that of a sync: which bytes are on the disk is unknown, and nothing is cut. */
  syncFailed = false;
  /** Asynchronous syncs under way: the descriptor outlives them. */
  #syncing = 0;
  #closeWanted = false;
  #closed = false;

  constructor(number: number, file: WritableFile) {
    this.number = number;
    this.#file = file;
    this.writer = new LogWriter(file);
  }

  /** Creates the file and writes the opening record. When that fails the file is removed as far as possible. */
  static createNow(storage: Storage, number: number, nextSequence: number): LiveJournal {
    const journal = new LiveJournal(number, storage.createNow(journalFile(number)));
    try {
      const opening = new Uint8Array(BATCH_HEADER_BYTES);
      writeBatchHeader(opening, 0, nextSequence, 0);
      journal.writer.appendNow(opening, 0, opening.length);
      return journal;
    } catch (error) {
      journal.close();
      try {
        storage.removeNow(journal.file);
      } catch {
        // The number is never used again; the next open removes the file.
      }
      throw error;
    }
  }

  get file(): FileDesc {
    return journalFile(this.number);
  }

  get isDurable(): boolean {
    return this.nameDurable && this.durableBytes >= this.writer.goodSize;
  }

  syncNow(): void {
    this.#file.syncNow();
  }

  async sync(): Promise<void> {
    this.#syncing++;
    try {
      await this.#file.sync();
    } finally {
      this.#syncing--;
      if (this.#closeWanted) this.close();
    }
  }

  /** Cuts the bytes of a record that was not written whole. */
  cutTornRecordNow(): void {
    this.#file.truncateNow(this.writer.goodSize);
  }

  /** Closes the descriptor, as soon as no sync is using it. */
  close(): void {
    this.#closeWanted = true;
    if (this.#closed || this.#syncing > 0) return;
    this.#closed = true;
    this.#file.closeNow();
  }
}
