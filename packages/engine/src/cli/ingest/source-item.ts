/** What a reader makes of one line or one delimited record. */
export type SourceItem =
  | { readonly kind: 'record'; readonly line: number; readonly key: Uint8Array; readonly value: Uint8Array }
  | {
      readonly kind: 'malformed';
      /** The first of its lines. */
      readonly line: number;
      readonly reason: string;
      /** The reader cannot tell where the next record begins: the last item. */
      readonly fatal: boolean;
    };

/** The bytes of a source, in pieces of any size. */
export type SourceChunks = AsyncIterable<Uint8Array>;

export interface ReaderOptions {
  /** Fields whose values make the key, in order. */
  readonly keyFields: readonly string[];
  /** What stands between them. */
  readonly keyDelimiter: string;
  /** Longest line (ndjson) or record (csv, tsv) in bytes: bounds what is held in memory. */
  readonly maxRecordBytes: number;
}

/** Reads a source: the items as many at a time as each piece of it brings. */
export type RecordReader = (
  chunks: SourceChunks,
  options: ReaderOptions,
) => AsyncIterable<readonly SourceItem[]>;

export function malformed(line: number, reason: string, fatal = false): SourceItem {
  return { kind: 'malformed', line, reason, fatal };
}
