const SLOW_BASE_MS = 4;
const SLOW_BYTES_PER_MS = 128 * 1024;
const POOL_WRITES_AFTER_SLOW = 32;

/**
 * Chooses between writing the journal on the thread and through the libuv pool. A write into the page cache takes
 * microseconds on the thread and ten times that through the pool; one that meets a disk at its limits blocks for
 * as long as the disk likes. A slow direct write sends the next ones to the pool, then a direct one tries again.
 */
export class JournalWritePolicy {
  #poolWritesLeft = 0;

  get useThread(): boolean {
    return this.#poolWritesLeft === 0;
  }

  recordDirect(bytes: number, durationMs: number): void {
    if (durationMs > SLOW_BASE_MS + bytes / SLOW_BYTES_PER_MS) this.#poolWritesLeft = POOL_WRITES_AFTER_SLOW;
  }

  recordPooled(): void {
    if (this.#poolWritesLeft > 0) this.#poolWritesLeft--;
  }
}
