/** Stores a source with threads that parse its pieces, up to where it cannot be cut any more. */
import type { IngestProgress, IngestReport } from '../../public/ingest-types.ts';
import {
  CutSource,
  countLineEnds,
  countLines,
  DelimitedEnds,
  headerEnd,
  lineEnds,
  MAX_PIECE_BYTES,
} from './cut-source.ts';
import type { IngestOptions } from './ingest-options.ts';
import { type IngestTarget, type LoadCounts, type Malformed, noteMalformed } from './load-records.ts';
import type { PieceOptions, PieceReport } from './parse-piece.ts';
import { pieceParserUrl } from './parser-url.ts';
import { CSV, TSV } from './record-reader-delimited.ts';
import type { RecordReader, SourceChunks, SourceItem } from './source-item.ts';

const BATCH_BYTES = 1024 * 1024;

export class ThreadedLoad {
  readonly #options: IngestOptions;
  readonly #reader: RecordReader;
  readonly #cut: CutSource;
  readonly #pieces: AsyncGenerator<Uint8Array>;
  readonly #peeked: Uint8Array[] = [];
  #header: Uint8Array = new Uint8Array(0);
  /** Lines of the source that are taken, the header's included. */
  #lines = 0;
  #isAtRest = false;

  constructor(
    chunks: SourceChunks,
    options: IngestOptions,
    reader: RecordReader,
    interrupt: AbortSignal,
    firstPieceBytes?: number,
  ) {
    const { format } = options;
    this.#options = options;
    this.#reader = reader;
    this.#cut = new CutSource(
      chunks,
      format === 'ndjson' ? lineEnds : new DelimitedEnds(format === 'csv' ? CSV : TSV),
      {
        maxRecordBytes: options.reader.maxRecordBytes,
        interrupt,
        ...(firstPieceBytes === undefined ? {} : { firstPieceBytes }),
      },
    );
    this.#pieces = this.#cut.pieces();
  }

  /** Whether no piece has a record, and `firstItems` has gone on to what could not be cut. */
  get isAtRest(): boolean {
    return this.#isAtRest;
  }

  /**
   * The items of the first pieces, up to a record, read on this thread: whether the source makes sense. The pieces
   * are read again by `run`, unless there is no record in any.
   */
  async *firstItems(): AsyncGenerator<readonly SourceItem[]> {
    for (let next = await this.#nextPiece(); next !== undefined; next = await this.#nextPiece()) {
      const piece = new Uint8Array(next);
      this.#peeked.push(piece);
      yield* this.#items(oneChunk(piece));
      this.#lines += this.#linesOf(piece);
    }
    const { rest } = this;
    this.#isAtRest = rest !== undefined;
    if (rest !== undefined) yield* rest;
  }

  /** Stores the pieces, entering what comes of them in `counts`, until a malformed record ends the load. */
  async run(
    target: Pick<IngestTarget, 'ingest'>,
    counts: LoadCounts,
    onProgress: (progress: IngestProgress) => void,
  ): Promise<IngestReport> {
    const { load, threads, format, reader } = this.#options;
    const { onMalformed, sync, batchRecords } = load;
    const headerLines = this.#linesOf(this.#header);
    const parseOptions: PieceOptions = { format, reader, onMalformed, headerLines };
    this.#lines = headerLines;
    return await target.ingest(this.#allPieces(), {
      parse: pieceParserUrl,
      parseOptions,
      split: 'pieces',
      threads,
      sync,
      batchEntries: batchRecords,
      batchBytes: BATCH_BYTES,
      pieceBytes: MAX_PIECE_BYTES / 2,
      onPiece: (report) => this.#take(report as PieceReport, counts),
      onProgress,
    });
  }

  /** What could not be cut, record by record. REQUIRES: all pieces are taken. */
  get rest(): AsyncIterable<readonly SourceItem[]> | undefined {
    const { rest } = this.#cut;
    return rest === undefined ? undefined : this.#items(rest);
  }

  /** Behind the lines that were taken. */
  async *#items(chunks: SourceChunks): AsyncGenerator<readonly SourceItem[]> {
    const linesBefore = this.#lines - this.#linesOf(this.#header);
    const all = withHeader(this.#header, chunks);
    for await (const items of this.#reader(all, this.#options.reader)) {
      yield items.map((item) => ({ ...item, line: item.line + linesBefore }));
    }
  }

  async *#allPieces(): AsyncGenerator<Uint8Array> {
    for (let piece = this.#peeked.shift(); piece !== undefined; piece = this.#peeked.shift()) {
      yield this.#withHeader(piece);
    }
    for (let piece = await this.#nextPiece(); piece !== undefined; piece = await this.#nextPiece()) {
      yield this.#withHeader(piece);
    }
  }

  /** Without the header, which is kept. Good until the next one is asked for. */
  async #nextPiece(): Promise<Uint8Array | undefined> {
    const { format } = this.#options;
    let piece: Uint8Array | undefined;
    for (;;) {
      const next = await this.#pieces.next();
      if (next.done === true) return piece;
      if (format === 'ndjson' || this.#header.length > 0) return next.value;
      piece = Buffer.concat(piece === undefined ? [next.value] : [piece, next.value]);
      const end = headerEnd(piece, format === 'csv' ? CSV : TSV);
      if (end === undefined) continue;
      this.#header = piece.slice(0, end);
      this.#lines = this.#linesOf(this.#header);
      return piece.subarray(end);
    }
  }

  #linesOf(bytes: Uint8Array): number {
    return this.#options.format === 'ndjson' ? countLines(bytes) : countLineEnds(bytes);
  }

  #take(
    { records, bytes, lines, malformed, malformedCount, ends }: PieceReport,
    counts: LoadCounts,
  ): boolean {
    counts.records += records;
    counts.bytes += bytes;
    const left = malformedCount - malformed.length;
    for (const sample of malformed) noteMalformed(this.#placed(sample), this.#options.load, counts);
    counts.malformed += left;
    this.#lines += lines;
    return !ends;
  }

  #placed({ line, reason, fatal }: Malformed & { readonly fatal: boolean }) {
    return { kind: 'malformed', line: line + this.#lines, reason, fatal } as const;
  }

  #withHeader(piece: Uint8Array): Uint8Array {
    return this.#header.length === 0 ? piece : new Uint8Array(Buffer.concat([this.#header, piece]));
  }
}

async function* oneChunk(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}

async function* withHeader(header: Uint8Array, chunks: SourceChunks): AsyncGenerator<Uint8Array> {
  yield header;
  yield* chunks;
}
