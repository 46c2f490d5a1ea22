import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { KIB, MAX_VALUE_BYTES, MIB } from '@arena-level/common/base/limits';
import type { SplitKind } from '@arena-level/common/protocol/ingest-protocol';
import {
  CHECKED_LATER,
  checkCallOptions,
  FLAG,
  nameOf,
  type OptionKind,
  type OptionKinds,
  SIGNAL,
} from '../options/call-options.ts';
import type { IngestOptions, IngestSource } from '../public/ingest-types.ts';

export const MAX_THREADS = 64;
const MAX_DEFAULT_THREADS = 4;
const SPLITS: readonly SplitKind[] = ['lines', 'pieces', 'records'];

/** How much a thread gets at a time: each piece twice the one before, up to `most`. */
export interface PieceSize {
  readonly first: number;
  readonly most: number;
}

export interface ResolvedIngestOptions {
  /** URL of the module. */
  readonly parse: string;
  readonly parseOptions: unknown;
  readonly split: SplitKind;
  readonly threads: number;
  readonly tables: boolean;
  readonly batchBytes: number;
  readonly batchEntries: number;
  readonly sync: boolean;
  readonly pieceBytes: PieceSize;
  readonly pieceRecords: PieceSize;
  readonly maxLineBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: IngestOptions['onProgress'];
  readonly onPiece: IngestOptions['onPiece'];
}

const FUNCTION: OptionKind = { fits: (value) => typeof value === 'function', wanted: 'a function' };

const OPTIONS: OptionKinds = {
  parse: {
    fits: (value) => (typeof value === 'string' && value !== '') || value instanceof URL,
    wanted: 'a URL or a path',
  },
  parseOptions: CHECKED_LATER,
  split: { fits: (value) => SPLITS.includes(value as SplitKind), wanted: "'lines', 'pieces' or 'records'" },
  threads: integer(1, MAX_THREADS),
  tables: FLAG,
  batchBytes: integer(1, 64 * MIB),
  batchEntries: integer(1, 1_000_000),
  sync: FLAG,
  pieceBytes: integer(1, 256 * MIB),
  pieceRecords: integer(1, 1_000_000),
  maxLineBytes: integer(1, MAX_VALUE_BYTES),
  signal: SIGNAL,
  onProgress: FUNCTION,
  onPiece: FUNCTION,
};

/** Checks source and options, and fills in the defaults. Throws ARENA_INVALID_ARGUMENT. */
export function resolveIngestOptions(source: IngestSource, options: IngestOptions): ResolvedIngestOptions {
  checkSource(source);
  checkCallOptions('ingest', options, OPTIONS);
  const { parse, pieceBytes, pieceRecords } = options;
  if (parse === undefined) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      "ingest option 'parse' is missing: a module that parses",
    );
  }
  return {
    parse: moduleUrl(parse),
    parseOptions: cloneable(options.parseOptions),
    split: options.split ?? 'lines',
    threads: options.threads ?? Math.min(MAX_DEFAULT_THREADS, Math.max(1, availableParallelism() - 1)),
    tables: options.tables ?? true,
    batchBytes: options.batchBytes ?? 256 * KIB,
    batchEntries: options.batchEntries ?? 100_000,
    sync: options.sync ?? false,
    pieceBytes:
      pieceBytes === undefined ? { first: MIB, most: 4 * MIB } : { first: pieceBytes, most: pieceBytes },
    pieceRecords:
      pieceRecords === undefined
        ? { first: 1000, most: 16_000 }
        : { first: pieceRecords, most: pieceRecords },
    maxLineBytes: options.maxLineBytes ?? 16 * MIB,
    signal: options.signal,
    onProgress: options.onProgress,
    onPiece: options.onPiece,
  };
}

export function isFiles(source: IngestSource): source is { readonly files: readonly string[] } {
  return Array.isArray((source as { readonly files?: unknown }).files);
}

function checkSource(source: unknown): void {
  const given = source as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  if (typeof given === 'object' && given !== null) {
    if (typeof (given[Symbol.asyncIterator] ?? given[Symbol.iterator]) === 'function') return;
    if (isFiles(given as IngestSource)) {
      const wrong = (given as { files: unknown[] }).files.find(
        (file) => typeof file !== 'string' || file === '',
      );
      if (wrong === undefined) return;
      throw new EngineError(
        ErrorCode.InvalidArgument,
        `a file of the source must be a path, not ${nameOf(wrong)}`,
      );
    }
    if ('files' in given) {
      throw new EngineError(
        ErrorCode.InvalidArgument,
        `the files of the source must be an array of paths, not ${nameOf(given.files)}`,
      );
    }
  }
  throw new EngineError(
    ErrorCode.InvalidArgument,
    `the source must be an iterable, a stream or { files: [...] }, not ${nameOf(source)}`,
  );
}

/** What has a scheme is a URL; a letter alone is a drive. */
function moduleUrl(parse: string | URL): string {
  if (parse instanceof URL) return parse.href;
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(parse) && !isAbsolute(parse);
  return isUrl ? parse : pathToFileURL(resolve(parse)).href;
}

/** The threads get a copy as of now. */
function cloneable(parseOptions: unknown): unknown {
  try {
    return structuredClone(parseOptions);
  } catch (cause) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      "ingest option 'parseOptions' must be something that can be cloned to another thread",
      { cause },
    );
  }
}

function integer(least: number, most: number): OptionKind {
  return {
    fits: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    wanted: `an integer from ${least} to ${most}`,
  };
}
