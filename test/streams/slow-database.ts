/** A database whose batches wait until the test answers them. */
import type { IngestOperation } from 'arena-level/streams';

export interface WaitingBatch {
  readonly operations: readonly IngestOperation<Uint8Array, Uint8Array>[];
  readonly sync: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class SlowDatabase {
  /** Not answered yet, oldest first. */
  readonly waiting: WaitingBatch[] = [];
  /** All that were asked for. */
  readonly asked: WaitingBatch[] = [];
  flushes = 0;

  batch(
    operations: readonly IngestOperation<Uint8Array, Uint8Array>[],
    { sync }: { readonly sync: boolean },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        this.waiting.splice(this.waiting.indexOf(batch), 1);
        settle();
      };
      const batch: WaitingBatch = {
        operations,
        sync,
        resolve: end(resolve),
        reject: (error) => end(() => reject(error))(),
      };
      this.waiting.push(batch);
      this.asked.push(batch);
    });
  }

  async flush(): Promise<void> {
    this.flushes++;
  }
}
