/** `arena-level ingest`: stores the records of a file or of stdin. */
import { type CliIo, type Command, command, ExitCode } from './command.ts';
import { CommandError } from './errors.ts';
import { counted } from './format.ts';
import { closeAfter } from './ingest/close-after.ts';
import { readToFirstRecord } from './ingest/first-record.ts';
import {
  INGEST_HELP,
  type IngestOptions,
  parseIngestOptions,
  type SourceFormat,
} from './ingest/ingest-options.ts';
import { ingestProgress } from './ingest/ingest-progress.ts';
import { ThreadedLoad } from './ingest/load-in-threads.ts';
import {
  type IngestTarget,
  type LoadCounts,
  loadRecords,
  type Malformed,
  newCounts,
} from './ingest/load-records.ts';
import { CSV, delimitedReader, TSV } from './ingest/record-reader-delimited.ts';
import { readNdjson } from './ingest/record-reader-ndjson.ts';
import { Source } from './ingest/source.ts';
import type { RecordReader, SourceItem } from './ingest/source-item.ts';
import { type IngestSummary, summarize, summaryText, totalStalls } from './ingest/summary.ts';
import { ProgressLine } from './progress-line.ts';
import { storeError } from './store-access.ts';

const READERS: Readonly<Record<SourceFormat, RecordReader>> = {
  ndjson: readNdjson,
  csv: delimitedReader(CSV),
  tsv: delimitedReader(TSV),
};

export const ingestCommand: Command = command({
  name: 'ingest',
  summary: 'store the records of an ndjson, csv or tsv file',
  help: INGEST_HELP,
  parse: parseIngestOptions,
  async run(options, io) {
    const source = await Source.open(options.source, io.stdin, io.interrupt);
    try {
      return await ingest(source, options, io);
    } finally {
      source.close();
    }
  },
});

async function ingest(source: Source, options: IngestOptions, io: CliIo): Promise<ExitCode> {
  const reader = READERS[options.format];
  const threaded =
    options.threads === 0
      ? undefined
      : new ThreadedLoad(source.passingChunks(), options, reader, io.interrupt);
  const items = threaded?.firstItems() ?? reader(source.chunks(), options.reader);
  const begun = newCounts();
  // The first record is read before the store is opened: a source that makes no sense leaves no store behind.
  const started = await readToFirstRecord(items, options.load, begun);
  if (begun.fatal !== undefined) throw endedAt(begun.fatal, 'nothing is stored');
  // Loaded here, so that help and usage errors do not wait for the engine.
  const { open } = await import('../db/open-store.ts');
  const store = await open(options.location, options.open).catch((error: unknown) => {
    throw storeError(options.location, error);
  });
  const inThreads = threaded?.isAtRest === false ? threaded : undefined;
  // Threads read the pieces again that were looked into.
  const counts = inThreads === undefined ? begun : newCounts();
  const work: Work = { store, started, inThreads, isParallel: false };
  let summary: IngestSummary;
  try {
    summary = await loadInto(work, source, options, counts, io);
  } catch (error) {
    throw await closeAfter(error, store, work.isParallel ? undefined : counts.records);
  }
  await store.close();
  io.stdout.write(options.json ? `${JSON.stringify(summary, undefined, 2)}\n` : summaryText(summary));
  if (counts.fatal !== undefined) throw endedAt(counts.fatal, 'the records before it are stored');
  return summary.interrupted ? ExitCode.Interrupted : ExitCode.Ok;
}

function endedAt({ line, reason }: Malformed, outcome: string): CommandError {
  return new CommandError(`line ${line} ${reason}; ${outcome}`);
}

interface Work {
  readonly store: IngestTarget;
  readonly started: AsyncIterable<readonly SourceItem[]>;
  readonly inThreads: ThreadedLoad | undefined;
  /** While threads are at it. */
  isParallel: boolean;
}

async function loadInto(
  work: Work,
  source: Source,
  options: IngestOptions,
  counts: LoadCounts,
  io: CliIo,
): Promise<IngestSummary> {
  const { store } = work;
  const line = ProgressLine.on(io);
  const showProgress = (): void =>
    line.update(() => {
      const { bytesRead, bytesTotal } = source;
      return ingestProgress({
        records: counts.records,
        malformed: counts.malformed,
        bytesRead,
        bytesTotal,
        elapsedMs: line.elapsedMs,
        ...totalStalls(store.stats()),
      });
    });
  try {
    await loadAll(work, options, counts, io.interrupt, showProgress);
    const parts = [counted(counts.records, 'record'), 'writing the last table'];
    line.draw({ parts, done: source.bytesRead, total: source.bytesTotal });
    await store.flush();
  } finally {
    line.clear();
  }
  const { elapsedMs } = line;
  return summarize(
    counts,
    elapsedMs,
    store.stats(),
    await store.masterRoot(),
    io.interrupt.aborted,
    options.threads,
  );
}

/** Threads go as far as the source can be cut, this thread does the rest. */
async function loadAll(
  work: Work,
  { load }: IngestOptions,
  counts: LoadCounts,
  interrupt: AbortSignal,
  showProgress: () => void,
): Promise<void> {
  const { store, inThreads } = work;
  let items: AsyncIterable<readonly SourceItem[]> | undefined = work.started;
  if (inThreads !== undefined) {
    work.isParallel = true;
    await inThreads.run(store, counts, showProgress);
    work.isParallel = false;
    items = counts.fatal === undefined && !interrupt.aborted ? inThreads.rest : undefined;
  }
  if (items !== undefined) await loadRecords(items, store, load, counts, interrupt, showProgress);
}
