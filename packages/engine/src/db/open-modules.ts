import type { Clock } from '@arena-level/common/base/clock';
import type { Storage } from '@arena-level/common/storage/storage';
import type { PauseGate } from '../compaction/pause-gate.ts';
import type { StoreTrace } from '../events/event-sink.ts';
import type { FlushExecutor } from '../flush/flush-executor.ts';
import type { WorkerPool } from '../flush/worker-pool.ts';

/** What a store works with, instead of the real thing: for tests, and for hosts with a pool of their own. */
export interface OpenModules {
  /** Replaces the files in the directory; one on disk has to be in the directory `location`. It gets a `LOG` only on demand. */
  readonly storage?: Storage;
  readonly clock?: Clock;
  /** A piscina pool of the host's own; it stays the host's to close. */
  readonly pool?: WorkerPool;
  readonly executor?: FlushExecutor;
  /** Pauses compactions for flushes, among the stores that share it. Default: that of the thread. */
  readonly pauseGate?: PauseGate;
  /** Input bytes below which a part of a compaction is not worth a thread of its own. Default 4 MiB. */
  readonly minCompactionPartBytes?: number;
  /** Told of every step inside it; must not call the store. */
  readonly trace?: StoreTrace;
}
