import type { WriteGroup } from '../write/write-group.ts';

/**
 * One write of a thread on its way: the writes of one turn, or those of one blocking call.
 *
 * queued → sent (in the ring) → written → settled. Without `isSync`, or when it failed, written is settled.
 */
export class RingWrite {
  readonly group: WriteGroup;
  /** The records, until they are in the ring, or in memory of their own. */
  readonly recordBytes: number;
  readonly isSync: boolean;
  ticket = 0;
  isSettled = false;
  failure: unknown;

  constructor(group: WriteGroup, isSync: boolean) {
    this.group = group;
    this.recordBytes = group.recordBytes;
    this.isSync = isSync;
  }

  written(): void {
    this.group.acknowledgeWritten();
    this.isSettled = !this.isSync;
  }

  durable(): void {
    this.group.acknowledgeDurable();
    this.isSettled = true;
  }

  failed(error: unknown): void {
    this.failure = error;
    this.isSettled = true;
    this.group.reject(error);
  }

  notDurable(error: unknown): void {
    this.failure = error;
    this.isSettled = true;
    this.group.rejectDurable(error);
  }
}
