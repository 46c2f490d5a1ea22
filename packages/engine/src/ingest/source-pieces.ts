/**
 * Cuts a source into pieces for threads, on the main thread: lines are only looked for where a piece is to end.
 *
 * A line that is too long becomes a piece of its own that says so, so that its position is known when all before it is
 * parsed.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { IngestPiece } from '@arena-level/common/protocol/ingest-protocol';
import { nameOf } from '../options/call-options.ts';
import type { IngestSource } from '../public/ingest-types.ts';
import { isFiles, type PieceSize, type ResolvedIngestOptions } from './ingest-options.ts';
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
      // The owner of the item may reuse it when it is asked for the next one.
      if (bytes.length > 0) yield { split: 'pieces', bytes: new Uint8Array(bytes), ...named(file) };
    }
  }

  async *#lines(items: Items, file: string | undefined): AsyncGenerator<SourcePiece> {
    const { maxLineBytes, pieceBytes } = this.#options;
    const gathered = new GatheredLines();
    let size = pieceBytes.first;
    for await (const item of items) {
      const bytes = this.#taken(item);
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + Math.max(1, size - gathered.bytes));
        gathered.add(bytes.subarray(at, end));
        at = end;
        if (gathered.bytes < size) continue;
        const lines = gathered.takeLines();
        if (lines !== undefined) {
          yield { split: 'lines', bytes: lines, ...named(file) };
          size = this.#nextSize(size, pieceBytes);
        }
        if (gathered.bytes > maxLineBytes) {
          const failure = new EngineError(ErrorCode.TooLarge, `it is longer than ${maxLineBytes} bytes`);
          yield { split: 'lines', failure, ...named(file) };
          return;
        }
      }
    }
    const rest = gathered.takeAll();
    if (rest.length > 0) yield { split: 'lines', bytes: rest, ...named(file) };
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

/** Bytes that are not given away yet. */
class GatheredLines {
  #parts: Uint8Array[] = [];
  bytes = 0;

  add(part: Uint8Array): void {
    // The owner of the part may reuse it when it is asked for the next one.
    this.#parts.push(new Uint8Array(part));
    this.bytes += part.length;
  }

  /** All whole lines; undefined when there is none. */
  takeLines(): Uint8Array | undefined {
    for (let last = this.#parts.length - 1; last >= 0; last--) {
      const part = this.#parts[last]!;
      const end = part.lastIndexOf(LF) + 1;
      if (end === 0) continue;
      const rest = [part.subarray(end), ...this.#parts.slice(last + 1)];
      const lines = joined([...this.#parts.slice(0, last), part.subarray(0, end)]);
      this.#parts = rest;
      this.bytes -= lines.length;
      return lines;
    }
    return undefined;
  }

  takeAll(): Uint8Array {
    const all = joined(this.#parts);
    this.#parts = [];
    this.bytes = 0;
    return all;
  }
}

/** In memory of its own: what is sent to a thread is cloned with all of its buffer. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function named(file: string | undefined): { readonly file?: string } {
  return file === undefined ? {} : { file };
}
