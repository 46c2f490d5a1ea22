/** The parse module of the program: what threads make of the pieces of a source. Bundled into a file of its own. */
import { countLineEnds, countLines } from './cut-source.ts';
import type { SourceFormat } from './ingest-options.ts';
import type { LoadOptions, Malformed } from './load-records.ts';
import { CSV, delimitedItems, TSV } from './record-reader-delimited.ts';
import { ndjsonItems } from './record-reader-ndjson.ts';
import type { ReaderOptions, SourceItem } from './source-item.ts';

export interface PieceOptions {
  readonly format: SourceFormat;
  readonly reader: ReaderOptions;
  readonly onMalformed: LoadOptions['onMalformed'];
  /** Lines of the header that stands before each piece of a delimited source. */
  readonly headerLines: number;
}

/** What came of a piece beside its entries. Lines count from 1 in the piece. */
export interface PieceReport {
  readonly records: number;
  /** Of keys and values. */
  readonly bytes: number;
  readonly lines: number;
  readonly malformed: readonly (Malformed & { readonly fatal: boolean })[];
  readonly malformedCount: number;
  /** Nothing behind the last malformed record is to be stored. */
  readonly ends: boolean;
}

/** As many are told of one ingest. */
const SAMPLES = 5;

export function* parse(
  piece: Uint8Array,
  { options }: { readonly options: PieceOptions },
): Generator<[Uint8Array, Uint8Array], PieceReport> {
  const { headerLines, onMalformed } = options;
  const { items, lines } = itemsOf(piece, options);
  const malformed: (Malformed & { readonly fatal: boolean })[] = [];
  let records = 0;
  let bytes = 0;
  let malformedCount = 0;
  let ends = false;
  for (const item of items) {
    if (item.kind === 'record') {
      records++;
      bytes += item.key.length + item.value.length;
      yield [item.key, item.value];
      continue;
    }
    const { reason, fatal } = item;
    malformedCount++;
    ends = fatal || onMalformed === 'stop';
    if (ends || malformed.length < SAMPLES) malformed.push({ line: item.line - headerLines, reason, fatal });
    if (ends) break;
  }
  return { records, bytes, lines: lines - headerLines, malformed, malformedCount, ends };
}

function itemsOf(
  piece: Uint8Array,
  { format, reader }: PieceOptions,
): { readonly items: Iterable<SourceItem>; readonly lines: number } {
  if (format === 'ndjson') return { items: ndjsonItems(piece, reader), lines: countLines(piece) };
  const items = delimitedItems(piece, reader, format === 'csv' ? CSV : TSV);
  return { items, lines: countLineEnds(piece) };
}
