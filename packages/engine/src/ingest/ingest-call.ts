/**
 * One ingest. Threads turn pieces of the source into tables as long as the range of their keys is empty in the store; in
 * the end these are put in by one commit. When something is found in the range, then or before, what the tables hold is
 * written as batches, oldest first, and threads turn the rest of the source into batches. So later duplicates win
 * either way.
 *
 * Memory: a piece and what has become of it for each thread, and two more of either. Main thread only.
 */
import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';
import { LEVELS } from '@arena-level/common/base/limits';
import { runLater } from '@arena-level/common/base/steps';
import type { CompactedTable } from '@arena-level/common/protocol/compaction-protocol';
import type {
  IngestFailure,
  ParsedPiece,
  ParseResponse,
  RunJob,
  RunResponse,
} from '@arena-level/common/protocol/ingest-protocol';
import { fromWireError, toWireError } from '@arena-level/common/protocol/wire-error';
import { Compression, type TableOptions } from '@arena-level/common/table/table-options';
import type { IngestProgress, IngestReport, IngestSource } from '../public/ingest-types.ts';
import { BatchWriter } from './batch-writer.ts';
import type { ResolvedIngestOptions } from './ingest-options.ts';
import type { IngestThreads } from './ingest-threads.ts';
import { RunMerge } from './merge-runs.ts';
import { OrderedTasks } from './ordered-tasks.ts';
import type { StreamedTask } from './piece-ring.ts';
import { inputOf, type Run, Runs } from './runs.ts';
import { RunsAhead } from './runs-ahead.ts';
import { type SourcePiece, SourcePieces } from './source-pieces.ts';
import { SourcePosition } from './source-position.ts';
import { type BuiltTables, TableCommit, type TableCommitModules } from './table-commit.ts';
import { TemporaryNumbers } from './temporary-numbers.ts';

/** Pieces that are under way beside one for each thread. */
const SPARE_PIECES = 2;

export interface IngestCallModules extends TableCommitModules {
  readonly threads: IngestThreads;
  readonly call: number;
  /** Of all entries, where they come as tables; undefined: tables are not to be built. */
  readonly sequence: number | undefined;
  readonly tableBytes: number;
  readonly table: (level: number) => TableOptions;
  readonly nextTurn: () => Promise<void>;
}

/** What came of a piece; while batches are written, what is coming of it. */
type Outcome = StreamedTask<ParseResponse> | RunResponse | IngestFailure;

export class IngestCall {
  readonly #modules: IngestCallModules;
  readonly #options: ResolvedIngestOptions;
  readonly #pieces: SourcePieces;
  readonly #generator: AsyncGenerator<SourcePiece>;
  readonly #tasks: OrderedTasks<SourcePiece, Outcome>;
  readonly #commit: TableCommit;
  readonly #numbers: TemporaryNumbers;
  readonly #writer: BatchWriter;
  readonly #runs = new Runs();
  readonly #position = new SourcePosition();
  /** Of all entries while tables are built. */
  #sequence: number | undefined;
  readonly #runsAhead = new RunsAhead();
  #merge: RunMerge | undefined;
  #entries = 0;
  #bytes = 0;
  #isCommitting = false;
  /** Asked for while that was so. */
  #stopWanted: EngineError | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: IngestSource, options: ResolvedIngestOptions, modules: IngestCallModules) {
    this.#modules = modules;
    this.#options = options;
    this.#sequence = modules.sequence;
    this.#pieces = new SourcePieces(source, options);
    this.#pieces.grows = modules.sequence !== undefined;
    const pieces = this.#pieces.pieces();
    this.#generator = pieces;
    const items = modules.sequence === undefined ? pieces : this.#unlessOnlyOne(pieces);
    this.#tasks = new OrderedTasks(items, options.threads + SPARE_PIECES, (piece) => this.#start(piece));
    this.#commit = new TableCommit(modules);
    this.#numbers = new TemporaryNumbers(modules.versions, modules.tableBytes);
    this.#writer = new BatchWriter(modules.writes, options.sync, () => this.#requireGoing());
  }

  /** Rejects, saying what is stored, when it comes to nothing; all threads have come to rest by then. */
  async run(): Promise<IngestReport> {
    const { threads, storage } = this.#modules;
    try {
      await this.#consume();
      return await this.#finish();
    } catch (error) {
      // What else fails once it was stopped is a consequence of that.
      throw this.#told(this.#failure === undefined ? error : this.#failure.error);
    } finally {
      const closing = threads.close();
      this.#runsAhead.giveUp();
      this.#letGoOfSource();
      await this.#tasks.stop();
      await closing;
      this.#numbers.removeFiles(storage);
    }
  }

  /** Nothing more is taken in. Tables that are being put in already are, if they can be. */
  stop(error: EngineError): void {
    if (this.#isCommitting) this.#stopWanted ??= error;
    if (this.#isCommitting || this.#failure !== undefined) return;
    this.#failure = { error };
    this.#merge?.cancel();
    void this.#tasks.stop();
    void this.#modules.threads.close();
    this.#runsAhead.giveUp();
    this.#letGoOfSource();
  }

  #letGoOfSource(): void {
    if (this.#failure !== undefined) this.#pieces.abandon();
    // A generator that waits for its source ends when that answers.
    this.#generator.return(undefined).catch(() => {});
  }

  #requireGoing(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** One piece is written faster as batches than as a table. */
  async *#unlessOnlyOne(pieces: AsyncGenerator<SourcePiece>): AsyncGenerator<SourcePiece> {
    const first = await pieces.next();
    if (first.done === true) return;
    const second = await pieces.next();
    if (second.done === true) this.#sequence = undefined;
    yield first.value;
    if (second.done === true) return;
    yield second.value;
    yield* pieces;
  }

  async #start(piece: SourcePiece): Promise<Outcome> {
    const { threads, table, tableBytes } = this.#modules;
    const { failure, ...whole } = piece;
    if (failure !== undefined) return { kind: 'failed', error: toWireError(failure), unit: 0 };
    const { parse: module, parseOptions, batchBytes, batchEntries } = this.#options;
    const job = { module, parseOptions, piece: whole };
    const sequence = this.#sequence;
    if (sequence === undefined) {
      await this.#runsAhead.none();
      return threads.parse({ ...job, batchBytes, batchEntries });
    }
    const bytes = piece.bytes?.length ?? tableBytes;
    this.#runsAhead.begin();
    return await threads.buildRun(() => ({
      ...job,
      sequence,
      tempNumbers: this.#numbers.take(bytes),
      maxTableBytes: tableBytes,
      ...this.#runQuality(table(LEVELS - 1)),
    }));
  }

  /** Once runs overlap, all of them are merged: what is only read again is built with the least work. */
  #runQuality(options: TableOptions): Pick<RunJob, 'isScratch' | 'options'> {
    if (!this.#runs.overlap) return { isScratch: false, options };
    const { None } = Compression;
    return { isScratch: true, options: { ...options, compression: None, bloomBitsPerKey: 0 } };
  }

  async #consume(): Promise<void> {
    for (let next = await this.#tasks.next(); next !== undefined; next = await this.#tasks.next()) {
      const { item } = next;
      const outcome = 'answer' in next.outcome ? await this.#drainPiece(next.outcome) : next.outcome;
      if (outcome.kind === 'failed') throw this.#failed(item, outcome);
      const { parsed } = outcome;
      if (outcome.kind === 'parsed') await this.#writer.write(outcome.batches);
      else {
        await this.#addRun(outcome.tables);
        this.#runsAhead.end();
      }
      this.#count(item, parsed);
      if (parsed.report !== undefined && this.#options.onPiece?.(parsed.report) === false) break;
    }
    this.#requireGoing();
  }

  async #drainPiece(task: StreamedTask<ParseResponse>): Promise<ParseResponse> {
    const answer = await this.#writer.drain(task);
    const taken = task.ring?.entriesTaken;
    if (taken !== undefined && answer.kind === 'parsed' && taken !== answer.parsed.entries) {
      throw new EngineError(
        ErrorCode.WorkerFailed,
        `a thread of the ingest sent ${taken} entries of a piece of ${answer.parsed.entries}: does 'parse' give others when it is repeated?`,
      );
    }
    this.#modules.threads.release(task);
    return answer;
  }

  async #drain<R>(task: StreamedTask<R>): Promise<R> {
    const answer = await this.#writer.drain(task);
    this.#modules.threads.release(task);
    return answer;
  }

  #count(piece: SourcePiece, { units, entries, bytes }: ParsedPiece): void {
    this.#position.passed(piece, units);
    this.#pieces.through(piece);
    this.#entries += entries;
    this.#bytes += bytes;
    this.#progress('parsing');
  }

  #progress(phase: IngestProgress['phase']): void {
    const { sourceBytes } = this.#pieces;
    this.#options.onProgress?.({ phase, sourceBytes, entries: this.#entries, bytes: this.#bytes });
  }

  async #addRun(run: Run): Promise<void> {
    this.#runs.add(run);
    if (this.#sequence !== undefined && (await this.#isRangeEmpty())) return;
    await this.#unloadRuns();
  }

  /** From here on batches are written, of what threads have made tables of, too. */
  async #unloadRuns(): Promise<void> {
    this.#sequence = undefined;
    this.#pieces.grows = false;
    await this.#unload(this.#runs.take().flat());
  }

  async #unload(tables: readonly CompactedTable[]): Promise<void> {
    const { threads } = this.#modules;
    const { batchBytes, batchEntries } = this.#options;
    const unloads = new OrderedTasks(
      asyncItems(tables),
      this.#options.threads + SPARE_PIECES,
      async (table) => threads.unload({ table: inputOf(table), batchBytes, batchEntries }),
    );
    try {
      for (let next = await unloads.next(); next !== undefined; next = await unloads.next()) {
        const answer = await this.#drain(next.outcome);
        if (answer.kind === 'failed') throw fromWireError(answer.error);
        await this.#writer.write(answer.batches);
      }
    } finally {
      await unloads.stop();
    }
  }

  async #isRangeEmpty(): Promise<boolean> {
    const { memtables, reads, nextTurn } = this.#modules;
    const { range } = this.#runs;
    if (range === undefined) return true;
    const { view } = memtables;
    view.retain();
    try {
      // Putting a MemDB in order takes a while: in turns.
      for (const { memdb } of [view.active, ...view.frozen]) while (memdb.orderStep()) await nextTurn();
      return await runLater(reads.isEmpty(view, range));
    } finally {
      view.release();
    }
  }

  async #finish(): Promise<IngestReport> {
    const built = await this.#mergeRuns();
    this.#requireGoing();
    if (built !== undefined) {
      const level = await this.#putIn(built);
      if (level !== undefined) return this.#report('tables', built.tables.length, level);
      if (this.#stopWanted !== undefined) throw this.#stopWanted;
      await this.#unloadRuns();
    }
    return this.#report('batches', 0, undefined);
  }

  #report(path: IngestReport['path'], tables: number, level: number | undefined): IngestReport {
    const { sourceBytes } = this.#pieces;
    return { path, sourceBytes, entries: this.#entries, bytes: this.#bytes, tables, level };
  }

  /** Undefined: there are no tables. */
  async #mergeRuns(): Promise<BuiltTables | undefined> {
    const { threads, storage, call, table, tableBytes } = this.#modules;
    const { range } = this.#runs;
    const sequence = this.#sequence;
    if (range === undefined || sequence === undefined) return undefined;
    this.#progress('merging');
    this.#merge = new RunMerge(
      { threads, numbers: this.#numbers, storage },
      {
        parts: this.#options.threads,
        sequence,
        maxTableBytes: tableBytes,
        options: table(this.#commit.levelFor(range) ?? LEVELS - 1),
      },
    );
    const tables = await this.#merge.run(this.#runs.all);
    this.#runs.replace([tables]);
    return { call, tables, range, sequence };
  }

  async #putIn(built: BuiltTables): Promise<number | undefined> {
    this.#isCommitting = true;
    try {
      return await this.#commit.commit(built);
    } finally {
      this.#isCommitting = false;
    }
  }

  #failed(piece: SourcePiece, { error, unit }: IngestFailure): EngineError {
    const cause = fromWireError(error);
    return unit === undefined ? cause : this.#wrong(piece, unit, cause);
  }

  #wrong(piece: SourcePiece, unit: number, cause: EngineError): EngineError {
    return new EngineError(cause.code, `${this.#position.of(piece, unit)}: ${cause.message}`, { cause });
  }

  /** The same error, saying what is stored. */
  #told(error: unknown): unknown {
    if (!(error instanceof EngineError)) return error;
    const { entries } = this.#writer;
    if (entries === 0 && error.code === ErrorCode.WriteOutcomeUnknown) return error;
    const stored = entries === 0 ? 'nothing is stored' : `${entries} entries are stored`;
    return new EngineError(error.code, `${messageOf(error)}; ${stored}`, {
      cause: error,
      ...(error.file === undefined ? {} : { file: error.file }),
      ...(error.offset === undefined ? {} : { offset: error.offset }),
    });
  }
}

async function* asyncItems<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
