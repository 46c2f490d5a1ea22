import { KIB } from '../base/limits.ts';

/** How the blocks of a table are stored. */
export const Compression = { None: 'none', Snappy: 'snappy' } as const;
export type Compression = (typeof Compression)[keyof typeof Compression];

/** What a table is built with: plain data, it crosses to a worker. */
export interface TableOptions {
  /** Uncompressed bytes at which a data block is finished. Default 4 KiB. */
  readonly blockBytes: number;
  /** Entries between two restart points. Default 16. */
  readonly restartInterval: number;
  /** Bits per key of the bloom filter; 0: no filter. Default 10. */
  readonly bloomBitsPerKey: number;
  readonly compression: Compression;
}

export const DEFAULT_TABLE_OPTIONS: TableOptions = {
  blockBytes: 4 * KIB,
  restartInterval: 16,
  bloomBitsPerKey: 10,
  compression: Compression.None,
};

/** What a builder knows of the table it has finished. */
export interface TableSummary {
  /** Bytes of the file. */
  readonly size: number;
  readonly entries: number;
  /** Data blocks: the leaves under `root`. */
  readonly blocks: number;
  /** First and last internal key. */
  readonly smallest: Uint8Array<ArrayBuffer>;
  readonly largest: Uint8Array<ArrayBuffer>;
  readonly smallestSequence: number;
  readonly largestSequence: number;
  /** The table root: 32 bytes (`merkle/table-root.ts`). */
  readonly root: Uint8Array<ArrayBuffer>;
}
