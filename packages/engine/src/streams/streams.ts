/** Streams into and out of a `Store` or a database of abstract-level. */
export type { IngestOptions } from './ingest-options.ts';
export { type IngestModules, ingestStream, webIngestStream } from './ingest-stream.ts';
export {
  entryStream,
  keyStream,
  type ReadStreamOptions,
  valueStream,
  webEntryStream,
  webKeyStream,
  webValueStream,
} from './read-stream.ts';
export type {
  EntryIterator,
  IngestDatabase,
  IngestOperation,
  IngestRecord,
  IterableDatabase,
  RangeOptions,
  TypedDatabase,
} from './stream-database.ts';
