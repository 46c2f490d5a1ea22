import { EngineError, ErrorCode } from '../base/errors.ts';
import type { RingMemory } from '../rings/ring-memory.ts';
import type { StorageSpec } from '../storage/storage-spec.ts';
import type { TableOptions } from '../table/table-options.ts';
import type { CompactedTable, InputTable } from './compaction-protocol.ts';
import type { WireError } from './wire-error.ts';

/** How the pieces of a source are made, and so what the parse function is called with: a line, a piece, a record. */
export type SplitKind = 'lines' | 'pieces' | 'records';

/** A part of a source, whole lines or records. */
export interface IngestPiece {
  readonly split: SplitKind;
  /** Of lines and pieces; nothing changes them before the task is answered. */
  readonly bytes?: Uint8Array<SharedArrayBuffer>;
  /** Of records. */
  readonly records?: readonly unknown[];
  /** Path of the file it is of. */
  readonly file?: string;
  /** Of lines: a longer one is a failure. */
  readonly maxLineBytes?: number;
}

export function lineTooLong(maxLineBytes: number): EngineError {
  return new EngineError(ErrorCode.TooLarge, `it is longer than ${maxLineBytes} bytes`);
}

/** A piece to parse, and by what. */
export interface ParseJob {
  /** URL of the module with the parse function. */
  readonly module: string;
  /** What the caller hands to that function: anything that can be cloned. */
  readonly parseOptions: unknown;
  readonly piece: IngestPiece;
}

/** Entries as a group of writes: room for a batch header (`journal/batch-codec.ts`), then batch records. */
export interface EncodedBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly entries: number;
}

/** Where a batch ends: behind the record with which it has so many bytes or entries. */
export interface BatchSizes {
  readonly batchBytes: number;
  readonly batchEntries: number;
}

/**
 * A ring through which the batches of one task travel while the task runs; its words and frames are those of
 * `rings/ring-memory.ts`. Of the words, `progress` grows when the owner has taken something, a state other than Open says
 * that the task is given up, and `written` is the ticket before the first frame.
 */
export interface IngestRing {
  /** Of all rings of the ingest. */
  readonly id: number;
  readonly memory: RingMemory;
}

/** How the batches of a task come to the owner. */
export interface BatchTransport {
  /** Absent: they come with the answer. */
  readonly ring?: IngestRing;
  /** Entries that the owner has of an earlier attempt: batches begin behind them. */
  readonly skipEntries?: number;
}

/** What a thread posts to the owner while a task runs. */
export type IngestMessage =
  /** There are frames, and the owner sleeps. */
  | { readonly kind: 'ingest-wake'; readonly ring: number }
  /** The records of the frame with this ticket, which has no room in the ring. Posted before the frame is published. */
  | {
      readonly kind: 'ingest-apart';
      readonly ring: number;
      readonly ticket: number;
      readonly records: SharedArrayBuffer;
    };

export interface ParseRequest extends ParseJob, BatchSizes, BatchTransport {
  readonly task: 'parse';
  readonly protocolVersion: number;
}

/** Entries of a piece as tables of their own: a run. */
export interface RunJob extends ParseJob {
  /** The tables will be merged, and are not there after a crash: they need not be synced. */
  readonly isScratch: boolean;
  /** Of every entry: of two with the same key the later one is kept. */
  readonly sequence: number;
  /** Numbers of temporary files: [first, first + count). The last one takes what is left. */
  readonly tempNumbers: { readonly first: number; readonly count: number };
  readonly maxTableBytes: number;
  readonly options: TableOptions;
}

export interface RunRequest extends RunJob {
  readonly task: 'build-run';
  readonly protocolVersion: number;
  readonly storage: StorageSpec;
}

/** The entries of a table of a run, as batches. */
export interface UnloadRequest extends BatchSizes, BatchTransport {
  readonly task: 'unload';
  readonly protocolVersion: number;
  readonly storage: StorageSpec;
  readonly table: InputTable;
}

/** What parsing a piece came to, beside its entries. */
export interface ParsedPiece {
  /** Lines or records of the piece; 1 for a piece that is parsed as a whole. */
  readonly units: number;
  readonly entries: number;
  /** Bytes of keys and values. */
  readonly bytes: number;
  /** What the parse function returned behind its last entry. */
  readonly report?: unknown;
}

/** `unit`: of the piece, from 0, that could not be parsed; absent where something else failed. */
export interface IngestFailure {
  readonly kind: 'failed';
  readonly error: WireError;
  readonly unit?: number;
}

/** `batches`: none where there is a ring. */
export type ParseResponse =
  | { readonly kind: 'parsed'; readonly parsed: ParsedPiece; readonly batches: readonly EncodedBatch[] }
  | IngestFailure;

/** `tables`: ordered by key, none when the piece has no entries. */
export type RunResponse =
  | { readonly kind: 'run-built'; readonly parsed: ParsedPiece; readonly tables: readonly CompactedTable[] }
  | IngestFailure;

export type UnloadResponse =
  | { readonly kind: 'unloaded'; readonly batches: readonly EncodedBatch[] }
  | IngestFailure;

export type IngestRequest = ParseRequest | RunRequest | UnloadRequest;
export type IngestResponse = ParseResponse | RunResponse | UnloadResponse;
