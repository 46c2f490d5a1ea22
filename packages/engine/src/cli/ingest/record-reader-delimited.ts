/**
 * Reads CSV and TSV with a header line. The value is a JSON object: header names with the fields as strings, in
 * the order of the columns.
 *
 * The parser is csv-parse. Its records and its skipped ones are taken in callbacks, in the order of the source,
 * instead of from its readable side, which would drop the records that lie before an error. It decodes as latin1,
 * byte by byte, so that a field that is not valid UTF-8 is seen instead of altered.
 */
import { type Options, type Parser, parse } from 'csv-parse';
import { parse as parseNow } from 'csv-parse/sync';
import { withoutByteOrderMark } from './byte-order-mark.ts';
import { DelimitedTranslator } from './delimited-translator.ts';
import type { ReaderOptions, RecordReader, SourceChunks, SourceItem } from './source-item.ts';

export interface DelimitedFormat {
  /** Between the fields. */
  readonly delimiter: string;
  /** Around fields that contain it, or line ends; null: there is no such thing. */
  readonly quote: '"' | null;
}

export const CSV: DelimitedFormat = { delimiter: ',', quote: '"' };
/** Tab-separated files have no quotes: a lone one in a text would take what follows into its field. */
export const TSV: DelimitedFormat = { delimiter: '\t', quote: null };

export function delimitedReader(format: DelimitedFormat): RecordReader {
  return (chunks, options) => readDelimited(chunks, options, format);
}

async function* readDelimited(
  chunks: SourceChunks,
  options: ReaderOptions,
  format: DelimitedFormat,
): AsyncGenerator<SourceItem[]> {
  const translator = new DelimitedTranslator(options);
  const parser = makeParser(translator, options, format);
  try {
    for await (const chunk of withoutByteOrderMark(chunks)) {
      await settled((done) => parser.write(chunk, done));
      yield translator.take();
      if (translator.ended) return;
    }
    await settled((done) => parser.end(done));
    translator.end();
    yield translator.take();
  } finally {
    parser.destroy();
  }
}

function makeParser(
  translator: DelimitedTranslator,
  options: ReaderOptions,
  format: DelimitedFormat,
): Parser {
  const parser = parse(parserOptions(translator, options, format));
  // Errors are answered to the write that met them; the readable side stays empty, and must be read to end.
  parser.on('error', () => undefined);
  parser.resume();
  return parser;
}

/** The items of a source that is there as a whole. */
export function delimitedItems(
  bytes: Uint8Array,
  options: ReaderOptions,
  format: DelimitedFormat,
): SourceItem[] {
  const translator = new DelimitedTranslator(options);
  parseNow(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    parserOptions(translator, options, format),
  );
  translator.end();
  return translator.take();
}

function parserOptions(
  translator: DelimitedTranslator,
  options: ReaderOptions,
  format: DelimitedFormat,
): Options<string[]> {
  return {
    encoding: 'latin1',
    delimiter: format.delimiter,
    quote: format.quote,
    max_record_size: options.maxRecordBytes,
    skip_empty_lines: true,
    // The translator compares with the header: it is told every record that way, with its line.
    relax_column_count: true,
    skip_records_with_error: true,
    on_record: (record: string[], context) => {
      translator.onRecord(record, context);
      return null;
    },
    on_skip: (error) => {
      translator.onSkip(error);
      return undefined;
    },
  };
}

function settled(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
