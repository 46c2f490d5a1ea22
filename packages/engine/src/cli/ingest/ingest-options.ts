import { GIB, MIB } from '@arena-level/common/base/limits';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import type { OpenOptions } from '../../options/options.ts';
import { choice, integer, readOptions } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import type { LoadOptions } from './load-records.ts';
import type { ReaderOptions } from './source-item.ts';

export const SOURCE_FORMATS = ['ndjson', 'csv', 'tsv'] as const;
export type SourceFormat = (typeof SOURCE_FORMATS)[number];

const MAX_THREADS = 64;

/** A checked `ingest` command line. */
export interface IngestOptions {
  /** Path of the source; `-` is stdin. */
  readonly source: string;
  readonly location: string;
  readonly format: SourceFormat;
  readonly reader: ReaderOptions;
  readonly load: LoadOptions;
  readonly open: OpenOptions;
  /** That parse; 0: the main thread does. */
  readonly threads: number;
  readonly json: boolean;
}

export const INGEST_HELP = `Usage: arena-level ingest <file|-> --db DIR --key FIELD [--key FIELD ...] [options]

Reads records and stores each under a key made of its own fields. The store is created when there is none.
Memory use does not depend on the size of the source. A later record with the same key replaces the earlier one.

  <file>                    the source; '-' reads stdin
  --db DIR                  directory of the store
  --key FIELD               a field of the key; repeat it for keys of several fields, in order. In ndjson a dot
                            leads into nested objects: --key address.city
  --format ndjson|csv|tsv   default: by the name of the file (.ndjson, .jsonl, .csv, .tsv)
                            ndjson: the value is the line as it is
                            csv, tsv: with a header line; the value is a JSON object by header names
                            csv: fields may be quoted, as in "a ""b"", c"; tsv: a quote is a character like others
  --delimiter-of-key TEXT   between the fields of a key; default '/'. A record with it inside one of several key
                            fields is malformed: its key could be that of another record
  --on-error stop|count     a malformed record: stop (default; what lies before it is stored), or leave it out,
                            count it and name the first few at the end. Where the next record begins cannot be
                            told (a quote that is never closed), the ingest stops in either case
  --max-record MIB          longest record that is read, default 16
  --batch N                 records written together, default 1000
  --sync                    each batch survives a crash of the machine before the next one is read
  --threads N               parse in N threads. Into a range of keys where the store has nothing yet they build its
                            tables, too, and all records come in at the end at once. Default 0: the main thread parses
  --flush worker|inline     build tables in a worker thread (default) or on the main thread
  --write-buffer MIB        size of a MemDB, default 32
  --memtable hash|skiplist  index of the MemDB, default hash
  --json                    print the summary as JSON

Examples:
  arena-level ingest cities.ndjson --db ./cities --key country --key name
  arena-level ingest users.csv --db ./users --key id --on-error count
  zcat log.ndjson.gz | arena-level ingest - --db ./log --format ndjson --key time --key host
`;

const PARSE_OPTIONS = {
  db: { type: 'string' },
  key: { type: 'string', multiple: true },
  format: { type: 'string' },
  'delimiter-of-key': { type: 'string', default: '/' },
  'on-error': { type: 'string', default: 'stop' },
  'max-record': { type: 'string', default: '16' },
  batch: { type: 'string', default: '1000' },
  sync: { type: 'boolean', default: false },
  threads: { type: 'string', default: '0' },
  flush: { type: 'string', default: 'worker' },
  'write-buffer': { type: 'string', default: '32' },
  memtable: { type: 'string', default: 'hash' },
  json: { type: 'boolean', default: false },
} as const;

/** Checks the arguments behind `ingest`. Throws UsageError. */
export function parseIngestOptions(args: readonly string[]): IngestOptions {
  const { values, positionals } = readOptions(args, PARSE_OPTIONS);
  const [source, ...more] = positionals;
  if (source === undefined) throw new UsageError("no source given: a file, or '-' for stdin");
  if (more.length > 0) throw new UsageError(`one source at a time, not also '${more[0]!}'`);
  const location = values.db;
  if (location === undefined || location === '')
    throw new UsageError('--db is missing: the directory of the store');
  const keyFields = values.key ?? [];
  if (keyFields.length === 0) throw new UsageError('--key is missing: the field that makes the key');
  return {
    source,
    location,
    format: formatOf(values.format, source),
    reader: {
      keyFields,
      keyDelimiter: values['delimiter-of-key'],
      maxRecordBytes: integer('--max-record', values['max-record'], 1, 512) * MIB,
    },
    load: {
      batchRecords: integer('--batch', values.batch, 1, 100_000),
      sync: values.sync,
      onMalformed: choice('--on-error', values['on-error'], ['stop', 'count']),
    },
    open: {
      flush: choice('--flush', values.flush, ['worker', 'inline']),
      writeBufferSize: integer('--write-buffer', values['write-buffer'], 1, GIB / MIB) * MIB,
      memtable: choice('--memtable', values.memtable, Object.values(MemDbKind)),
    },
    threads: integer('--threads', values.threads, 0, MAX_THREADS),
    json: values.json,
  };
}

function formatOf(given: string | undefined, source: string): SourceFormat {
  if (given !== undefined) return choice('--format', given, SOURCE_FORMATS);
  const extension = /\.(\w+)$/.exec(source)?.[1]?.toLowerCase();
  if (extension === 'jsonl') return 'ndjson';
  const format = SOURCE_FORMATS.find((candidate) => candidate === extension);
  if (format === undefined) throw new UsageError(`--format is missing: ${SOURCE_FORMATS.join(', ')}`);
  return format;
}
