/**
 * Cuts a source into pieces for threads, on the main thread: lines are only looked for where a piece is to end.
 *
 * A line that is too long for a piece becomes one of its own that says so, so that its position is known when all before it is
 * parsed; one that fits into a piece is found by the thread that parses it.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { type IngestPiece, lineTooLong } from '@arena-level/common/protocol/ingest-protocol';
import { nameOf } from '../options/call-options.ts';
import type { IngestSource } from '../public/ingest-types.ts';
import { GatheredLines } from './gathered-lines.ts';
import { isFiles, type PieceSize, type ResolvedIngestOptions } from './ingest-options.ts';
import { PieceMemory } from './piece-memory.ts';
import { readSourceFile } from './source-files.ts';

const LF = 10;

/** A piece, or why there is none: its first line or record is wrong. */
export type SourcePiece = IngestPiece & { readonly failure?: EngineError };

type Items = AsyncIterable<unknown> | Iterable<unknown>;

export class SourcePieces {
  /** Taken from the source so far. */
  sourceBytes = 0;
  readonly #source: IngestSource;
  readonly #options: ResolvedIngestOptions;
  readonly #memory = new PieceMemory();
  /** Pieces grow while tables are built from them. */
  grows: boolean;

  constructor(source: IngestSource, options: ResolvedIngestOptions) {
    this.#source = source;
    this.#options = options;
    this.grows = options.tables;
  }

  async *pieces(): AsyncGenerator<SourcePiece> {
    const source = this.#source;
    if (!isFiles(source)) {
      yield* this.#split(source, undefined);
      return;
    }
    for (const file of source.files) yield* this.#split(readSourceFile(file), file);
  }

  /** The memory of a piece may serve another one. REQUIRES: no thread has it any more. */
  through({ bytes }: SourcePiece): void {
    if (bytes !== undefined) this.#memory.giveBack(bytes);
  }

  /** What cannot be waited for any more: a stream that never ends lets go of what it reads from. */
  abandon(): void {
    const source = this.#source as { destroy?: unknown };
    if (typeof source.destroy === 'function') (source.destroy as () => void).call(source);
  }

  #split(items: Items, file: string | undefined): AsyncGenerator<SourcePiece> {
    const { split } = this.#options;
    if (split === 'records') return this.#records(items);
    return split === 'pieces' ? this.#asTheyCome(items, file) : this.#lines(items, file);
  }

  async *#records(items: Items): AsyncGenerator<SourcePiece> {
    let size = this.#options.pieceRecords.first;
    let records: unknown[] = [];
    for await (const item of items) {
      if (records.push(item) < size) continue;
      yield { split: 'records', records };
      records = [];
      size = this.#nextSize(size, this.#options.pieceRecords);
    }
    if (records.length > 0) yield { split: 'records', records };
  }

  async *#asTheyCome(items: Items, file: string | undefined): AsyncGenerator<SourcePiece> {
    for await (const item of items) {
      const bytes = this.#taken(item);
      if (bytes.length === 0) continue;
      // The owner of the item may reuse it when it is asked for the next one.
      const piece = this.#memory.take(bytes.length).subarray(0, bytes.length);
      piece.set(bytes);
      yield { split: 'pieces', bytes: piece, ...named(file) };
    }
  }

  async *#lines(items: Items, file: string | undefined): AsyncGenerator<SourcePiece> {
    const { maxLineBytes, pieceBytes } = this.#options;
    // A CR may be part of its end.
    const mostBytes = maxLineBytes + 1;
    let size = pieceBytes.first;
    const gathered = new GatheredLines(this.#memory, size);
    for await (const item of items) {
      const bytes = this.#taken(item);
      for (let at = 0; at < bytes.length; ) {
        const room = size - gathered.bytes;
        // Without room all that is there is one line, up to its end.
        const end = room > 0 ? Math.min(bytes.length, at + room) : lineEnd(bytes, at);
        gathered.add(bytes.subarray(at, end));
        at = end;
        if (gathered.bytes < size) continue;
        const isTooLong = room <= 0 && gathered.bytes - Number(bytes[end - 1] === LF) > mostBytes;
        const lines = isTooLong ? undefined : gathered.takeLines(size);
        if (lines !== undefined) {
          yield { split: 'lines', bytes: lines, maxLineBytes, ...named(file) };
          size = this.#nextSize(size, pieceBytes);
        }
        if (isTooLong || gathered.bytes > mostBytes) {
          yield { split: 'lines', failure: lineTooLong(maxLineBytes), ...named(file) };
          return;
        }
      }
    }
    const rest = gathered.takeAll();
    if (rest.length > 0) yield { split: 'lines', bytes: rest, maxLineBytes, ...named(file) };
  }

  #nextSize(size: number, { first, most }: PieceSize): number {
    return this.grows ? Math.min(most, 2 * size) : first;
  }

  #taken(item: unknown): Uint8Array {
    const bytes = typeof item === 'string' ? Buffer.from(item) : item;
    if (!(bytes instanceof Uint8Array)) {
      throw new EngineError(
        ErrorCode.InvalidArgument,
        `the source must give bytes or text, not ${nameOf(item)}; for records set ingest option 'split'`,
      );
    }
    this.sourceBytes += bytes.length;
    return bytes;
  }
}

/** Behind the line end at or behind `at`; where there is none, behind all. */
function lineEnd(bytes: Uint8Array, at: number): number {
  const found = bytes.indexOf(LF, at);
  return found < 0 ? bytes.length : found + 1;
}

function named(file: string | undefined): { readonly file?: string } {
  return file === undefined ? {} : { file };
}
