/**
 * Stores the items of a reader in batches, waiting for each: what is held in memory is one batch and one piece of
 * the source, whatever its size, and a store that stalls stops the reading.
 */
import type { IngestOptions, IngestReport, IngestSource } from '../../public/ingest-types.ts';
import type { BatchOperation, MasterRoot, WriteOptions } from '../../public/public-types.ts';
import type { StoreStats } from '../../public/stats.ts';
import type { SourceItem } from './source-item.ts';

/** What an ingest needs of a store. */
export interface IngestTarget {
  batch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<void>;
  ingest(source: IngestSource, options: IngestOptions): Promise<IngestReport>;
  flush(): Promise<void>;
  masterRoot(): Promise<MasterRoot>;
  stats(): StoreStats;
  close(): Promise<void>;
}

export interface LoadOptions {
  /** Records of one batch, unless their bytes reach BATCH_BYTES first. */
  readonly batchRecords: number;
  readonly sync: boolean;
  /** `stop`: the first malformed record ends the load; `count`: it is left out. */
  readonly onMalformed: 'stop' | 'count';
}

export interface Malformed {
  readonly line: number;
  readonly reason: string;
}

/** How far a load has come: kept up to date while it runs, so that a failure leaves it readable. */
export interface LoadCounts {
  /** Records stored: their batch was acknowledged. */
  records: number;
  /** Bytes of their keys and values. */
  bytes: number;
  malformed: number;
  /** The first of them. */
  readonly samples: Malformed[];
  /** The one that ended the load. */
  fatal: Malformed | undefined;
}

const BATCH_BYTES = 1024 * 1024;
const SAMPLES = 5;

export function newCounts(): LoadCounts {
  return { records: 0, bytes: 0, malformed: 0, samples: [], fatal: undefined };
}

/**
 * Runs until the source ends or fails, a malformed record stops it, or `interrupt` fires. What was read before is
 * stored in each case; `afterBatch` is called after each batch.
 */
export async function loadRecords(
  items: AsyncIterable<readonly SourceItem[]>,
  target: Pick<IngestTarget, 'batch'>,
  options: LoadOptions,
  counts: LoadCounts,
  interrupt: AbortSignal,
  afterBatch: () => void,
): Promise<void> {
  const batch = new PendingBatch(target, options, counts, afterBatch);
  try {
    for await (const piece of items) {
      for (const item of piece) {
        if (item.kind === 'record') batch.add(item.key, item.value);
        else if (noteMalformed(item, options, counts)) return;
        if (batch.full) await batch.store();
      }
      if (interrupt.aborted) return;
    }
  } finally {
    await batch.store();
  }
}

/** Records that are not stored yet. */
class PendingBatch {
  readonly #target: Pick<IngestTarget, 'batch'>;
  readonly #options: LoadOptions;
  readonly #counts: LoadCounts;
  readonly #afterBatch: () => void;
  #operations: BatchOperation[] = [];
  #bytes = 0;

  constructor(
    target: Pick<IngestTarget, 'batch'>,
    options: LoadOptions,
    counts: LoadCounts,
    afterBatch: () => void,
  ) {
    this.#target = target;
    this.#options = options;
    this.#counts = counts;
    this.#afterBatch = afterBatch;
  }

  get full(): boolean {
    return this.#operations.length >= this.#options.batchRecords || this.#bytes >= BATCH_BYTES;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    this.#operations.push({ type: 'put', key, value });
    this.#bytes += key.length + value.length;
  }

  /** Stores what is pending. A batch that fails is not tried a second time. */
  async store(): Promise<void> {
    if (this.#operations.length === 0) return;
    const operations = this.#operations;
    const bytes = this.#bytes;
    this.#operations = [];
    this.#bytes = 0;
    await this.#target.batch(operations, { sync: this.#options.sync });
    this.#counts.records += operations.length;
    this.#counts.bytes += bytes;
    this.#afterBatch();
  }
}

/** Returns true when the load ends here. */
export function noteMalformed(
  item: Extract<SourceItem, { kind: 'malformed' }>,
  options: Pick<LoadOptions, 'onMalformed'>,
  counts: LoadCounts,
): boolean {
  const { line, reason } = item;
  counts.malformed++;
  if (counts.samples.length < SAMPLES) counts.samples.push({ line, reason });
  if (!item.fatal && options.onMalformed === 'count') return false;
  counts.fatal = { line, reason };
  return true;
}
