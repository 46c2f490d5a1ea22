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
  const counts = newCounts();
  const items = READERS[options.format](source.chunks(), options.reader);
  // The first record is read before the store is opened: a source that makes no sense leaves no store behind.
  const started = await readToFirstRecord(items, options.load, counts);
  if (counts.fatal !== undefined) throw endedAt(counts.fatal, 'nothing is stored');
  // Loaded here, so that help and usage errors do not wait for the engine.
  const { open } = await import('../db/open-store.ts');
  const store = await open(options.location, options.open).catch((error: unknown) => {
    throw storeError(options.location, error);
  });
  let summary: IngestSummary;
  try {
    summary = await loadInto(store, started, source, options, counts, io);
  } catch (error) {
    throw await closeAfter(error, store, counts.records);
  }
  await store.close();
  io.stdout.write(options.json ? `${JSON.stringify(summary, undefined, 2)}\n` : summaryText(summary));
  if (counts.fatal !== undefined) throw endedAt(counts.fatal, 'the records before it are stored');
  return summary.interrupted ? ExitCode.Interrupted : ExitCode.Ok;
}

function endedAt({ line, reason }: Malformed, outcome: string): CommandError {
  return new CommandError(`line ${line} ${reason}; ${outcome}`);
}

async function loadInto(
  store: IngestTarget,
  items: AsyncIterable<readonly SourceItem[]>,
  source: Source,
  options: IngestOptions,
  counts: LoadCounts,
  io: CliIo,
): Promise<IngestSummary> {
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
    await loadRecords(items, store, options.load, counts, io.interrupt, showProgress);
    const parts = [counted(counts.records, 'record'), 'writing the last table'];
    line.draw({ parts, done: source.bytesRead, total: source.bytesTotal });
    await store.flush();
  } finally {
    line.clear();
  }
  const { elapsedMs } = line;
  return summarize(counts, elapsedMs, store.stats(), await store.masterRoot(), io.interrupt.aborted);
}
