import type { Clock } from '@arena-level/common/base/clock';
import type { Running } from '@arena-level/common/base/steps';
import { BackOff } from '../health/back-off.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { BuiltFlush } from './flush-commit.ts';

/**
 * The way of one frozen memtable to its table:
 *
 *     waiting → building → built → committing → (gone)
 *        ▲─────────┘ failed, cancelled   ▲──────┘ failed: the table stays, its commit is tried again
 */
export type FlushJobState = 'waiting' | 'building' | 'built' | 'committing';

/** Kept by the coordinator, which alone changes it. */
export class PendingFlush {
  readonly memtable: Memtable;
  state: FlushJobState = 'waiting';
  /** Builds begun; an answer to any but the last one does not count. */
  attempt = 0;
  /** Temporary file of the last build. */
  tempNumber = 0;
  startedMs = 0;
  /** When the flush was asked for, by the clock. */
  readonly requestedMs: number;
  /** Of building and of committing. */
  readonly backOff: BackOff;
  built: BuiltFlush | undefined;
  /** The table stays, and its commit is to be repeated. */
  commitFailed = false;
  commit: Running<void> | undefined;
  readonly waiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];

  constructor(memtable: Memtable, clock: Clock) {
    this.memtable = memtable;
    this.requestedMs = clock.now();
    this.backOff = new BackOff(clock);
  }

  /** Whether a build of it may begin. */
  get isDue(): boolean {
    return this.state === 'waiting' && !this.backOff.isWaiting;
  }

  rejectWaiters(error: unknown): void {
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
  }
}
