import type { Prng } from '@arena-level/common/base/prng';
import type { Meter } from '../driver/meter.ts';
import type { BenchStore } from '../engines/engine.ts';
import type { Dataset, KeyOrder } from './dataset.ts';
import type { Mode, ModeSet } from './mode.ts';

/** What the user asked for; equal for all engines. */
export interface Settings {
  readonly records: number;
  /** Of read workloads; of mixed ones, operations. */
  readonly reads: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly compressible: number;
  readonly writeBufferBytes: number;
  readonly cacheBytes: number;
  readonly durationMs: number | undefined;
  /** Records per second that are written beside the reads of readwhilewriting. */
  readonly writeRate: number;
  /** ndjson, csv or tsv, and the fields that make its keys. */
  readonly file: string | undefined;
  readonly keyFields: readonly string[];
}

export interface WorkloadContext {
  readonly store: BenchStore;
  readonly settings: Settings;
  /** Records that this run is about: the settings', scaled by workload and mode. */
  readonly records: number;
  readonly reads: number;
  readonly mode: Mode;
  readonly data: Dataset;
  readonly meter: Meter;
  readonly prng: Prng;
}

/** What the run left behind, for the check after it. */
export type Check = () => Promise<number>;

export interface Workload {
  readonly name: string;
  readonly about: string;
  readonly modes: ModeSet;
  readonly keys: KeyOrder;
  /** Whether there is something to settle behind it. */
  readonly writes: boolean;
  /** Of the asked records and value size: fill100K writes fewer and larger ones. */
  readonly share?: number;
  readonly valueBytes?: number;
  /** Every write is synced. */
  readonly sync?: boolean;
  /** The store is closed and opened again between `prepare` and `run`. */
  readonly reopens?: boolean;
  /** Not part of what is measured. */
  prepare?(context: WorkloadContext): Promise<void>;
  /** Nor is this, on the store that was opened again. */
  warm?(context: WorkloadContext): Promise<void>;
  /**
   * The measured stretch: every operation goes through `context.meter`. Throws WrongResult for what it sees itself;
   * what it returns checks the store afterwards and says how many values it compared.
   */
  run(context: WorkloadContext): Promise<Check>;
}
