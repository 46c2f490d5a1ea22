import { EngineError, ErrorCode, hasCode } from '@arena-level/common/base/errors';
import type { EncodedBatch } from '@arena-level/common/protocol/ingest-protocol';
import { validateBatch, writeBatchHeader } from '../journal/batch-codec.ts';
import type { WritePath } from '../write/write-path.ts';

/** Writes batches that threads have encoded, one after the other. */
export class BatchWriter {
  /** Entries that were acknowledged. */
  entries = 0;
  readonly #writes: WritePath;
  readonly #sync: boolean;

  constructor(writes: WritePath, sync: boolean) {
    this.#writes = writes;
    this.#sync = sync;
  }

  /** Waits for its turn where other writes fill the backlog. Throws ARENA_WORKER_FAILED for what is no batch. */
  async write({ bytes, entries }: EncodedBatch): Promise<void> {
    // Any sequence number will do for the check; the queue knows the true one.
    if (bytes.length > 0) writeBatchHeader(bytes, 0, 1, entries);
    const found = validateBatch(bytes, 0, bytes.length);
    if (found.kind !== 'valid' || entries === 0) {
      const reason = found.kind === 'valid' ? 'it has no entries' : found.reason;
      throw new EngineError(
        ErrorCode.WorkerFailed,
        `a thread of the ingest sent a batch that is none: ${reason}`,
      );
    }
    for (;;) {
      try {
        await this.#writes.encoded(bytes, entries, this.#sync);
        break;
      } catch (error) {
        if (!hasCode(error, ErrorCode.WriteBacklog)) throw error;
        await this.#writes.idle();
      }
    }
    this.entries += entries;
  }
}
