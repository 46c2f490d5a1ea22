import type { IngestPath } from '../events/events.ts';

/** An entry as a parse function gives it; text is stored as UTF-8. */
export type ParsedEntry = readonly [key: Uint8Array | string, value: Uint8Array | string];

/** What a parse function is told beside its input. */
export interface ParseContext {
  /** `parseOptions` of the call. */
  readonly options: unknown;
  /** Path of the file, where the source is files. */
  readonly file: string | undefined;
}

/**
 * What the module of `parse` exports, as `parse` or as its default: gives the entries of a line (without its end), a piece or
 * a record. It runs in worker threads, each input in any of them and maybe twice, so that it must keep nothing in between, not the
 * bytes either, and must give the same entries each time. What a generator returns behind the entries of a piece is handed to
 * `onPiece`.
 */
export type ParseFunction<Input = Uint8Array> = (
  input: Input,
  context: ParseContext,
) => Iterable<ParsedEntry>;

/** A stream or another iterable of bytes or records, or files that are read one after the other. */
export type IngestSource = AsyncIterable<unknown> | Iterable<unknown> | { readonly files: readonly string[] };

export interface IngestOptions {
  /** The module with the parse function: an absolute URL, as `new URL('./parse.js', import.meta.url)`, or a path. */
  readonly parse: string | URL;
  /** Handed to the parse function. Anything that can be cloned to another thread. */
  readonly parseOptions?: unknown;
  /**
   * What the parse function is called with. `lines` (default): the bytes of the source are cut at line ends; `pieces`: each item
   * of the source as it comes, bytes of whole records; `records`: each item, whatever it is, cloned to another thread.
   */
  readonly split?: 'lines' | 'pieces' | 'records';
  /** Threads that parse. 1 to 64; default: one less than there are cores, at least 1 and at most 4. */
  readonly threads?: number;
  /**
   * Whether the threads may build tables themselves, which are put in all at once, as long as the store has nothing between
   * the first and the last key of the source. Default true; false: everything is written as batches.
   */
  readonly tables?: boolean;
  /** Bytes and entries of a batch, whichever is reached first. Defaults 256 KiB and 100,000. */
  readonly batchBytes?: number;
  readonly batchEntries?: number;
  /** Each batch waits for the disk. Default false. */
  readonly sync?: boolean;
  /** Bytes of lines that a thread parses at a time. Default 1 MiB, growing to 4 MiB where tables are built. */
  readonly pieceBytes?: number;
  /** The same for records. Default 1,000, growing to 16,000. */
  readonly pieceRecords?: number;
  /** Longest line, without its end. Default 16 MiB. */
  readonly maxLineBytes?: number;
  /** Ends it with LEVEL_ABORTED. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: IngestProgress) => void;
  /** Told in the order of the source what the parse function returned for each piece; false ends the source behind that piece. */
  readonly onPiece?: (report: unknown) => boolean | undefined;
}

export interface IngestProgress {
  /** `merging`: all is parsed, and the tables are being put in order. */
  readonly phase: 'parsing' | 'merging';
  /** Bytes taken from the source; 0 for records. */
  readonly sourceBytes: number;
  /** Entries parsed, and bytes of their keys and values. */
  readonly entries: number;
  readonly bytes: number;
}

/** What an ingest did. */
export interface IngestReport {
  readonly path: IngestPath;
  readonly sourceBytes: number;
  /** Entries parsed, those included that a later one with the same key replaced; bytes of their keys and values. */
  readonly entries: number;
  readonly bytes: number;
  /** Tables put in, and their level; 0 and undefined where batches were written. */
  readonly tables: number;
  readonly level: number | undefined;
}
