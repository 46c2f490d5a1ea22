import { isUtf8 } from 'node:buffer';
import { messageOf } from '@arena-level/common/base/errors';
import { CsvError } from 'csv-parse';
import { CommandError, UsageError } from '../errors.ts';
import { joinKey } from './key-of-record.ts';
import { type ParserPosition, RecordLines } from './record-lines.ts';
import { malformed, type ReaderOptions, type SourceItem } from './source-item.ts';

interface Header {
  /** `"name":` of each column, ready for a JSON object. */
  readonly prefixes: readonly string[];
  /** Where the key fields are among the columns. */
  readonly keyColumns: readonly number[];
}

/** csv-parse's own message repeats the line and may quote whole fields. */
const REASONS: Readonly<Record<string, string>> = {
  CSV_INVALID_CLOSING_QUOTE: 'has text behind a closing quote',
  INVALID_OPENING_QUOTE: 'has a quote inside an unquoted field',
  CSV_QUOTE_NOT_CLOSED: 'begins a record with a quote that is never closed',
};

/** Behind these it is not known what is inside quotes and what is not: whole records could be passed over. */
const FATAL: ReadonlySet<string> = new Set([
  'CSV_INVALID_CLOSING_QUOTE',
  'CSV_QUOTE_NOT_CLOSED',
  'CSV_MAX_RECORD_SIZE',
]);

/**
 * Turns what the parser reports into items, in order. Fields come decoded as latin1: one character per byte.
 *
 * Problems of the header concern the whole source and are thrown by `take`.
 */
export class DelimitedTranslator {
  readonly #options: ReaderOptions;
  readonly #lines = new RecordLines();
  #header: Header | undefined;
  #items: SourceItem[] = [];
  #failure: Error | undefined;
  #ended = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** True when nothing after what has been taken can be read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The items since the last call. */
  take(): SourceItem[] {
    if (this.#failure !== undefined) throw this.#failure;
    const items = this.#items;
    this.#items = [];
    return items;
  }

  onRecord(fields: readonly string[], position: ParserPosition): void {
    if (this.#ended) return;
    const line = this.#lines.ofRecord(fields, position);
    const texts = fields.map(decodeUtf8);
    if (this.#header !== undefined) {
      this.#items.push(this.#translate(this.#header, texts, line));
      return;
    }
    try {
      this.#header = readHeader(texts, this.#options.keyFields);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  onSkip(error: unknown): void {
    if (this.#ended) return;
    const code = error instanceof CsvError ? error.code : '';
    const line = this.#lines.ofSkipped(error as ParserPosition);
    // A record is skipped once for each of its problems.
    if (line === undefined) return;
    const reason = this.#reasonOf(code, error);
    if (this.#header === undefined && code !== 'CSV_MAX_RECORD_SIZE') {
      this.#fail(new CommandError(`the header line ${reason}`));
      return;
    }
    this.#ended = FATAL.has(code);
    this.#items.push(malformed(line, reason, this.#ended));
  }

  /** The source has ended. */
  end(): void {
    if (this.#header === undefined && !this.#ended)
      this.#fail(new CommandError('the input has no header line'));
  }

  #reasonOf(code: string, error: unknown): string {
    if (code === 'CSV_MAX_RECORD_SIZE') {
      return `begins a record longer than ${this.#options.maxRecordBytes} bytes (an open quote?)`;
    }
    return REASONS[code] ?? messageOf(error);
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#ended = true;
  }

  #translate(header: Header, texts: readonly (string | undefined)[], line: number): SourceItem {
    if (texts.length !== header.prefixes.length) {
      return malformed(line, 'has more or fewer fields than the header');
    }
    const members: string[] = [];
    for (let column = 0; column < texts.length; column++) {
      const text = texts[column];
      if (text === undefined) return malformed(line, 'is not valid UTF-8');
      members.push(header.prefixes[column]! + JSON.stringify(text));
    }
    const parts = header.keyColumns.map((column) => texts[column]!);
    const result = joinKey(parts, this.#options.keyDelimiter);
    if ('reason' in result) return malformed(line, result.reason);
    return { kind: 'record', line, key: result.key, value: Buffer.from(`{${members.join(',')}}`) };
  }
}

function readHeader(names: readonly (string | undefined)[], keyFields: readonly string[]): Header {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (names.includes(undefined)) throw new CommandError('the header line is not valid UTF-8');
  if (twice !== undefined) throw new CommandError(`the header line names the column '${twice}' twice`);
  const keyColumns = keyFields.map((field) => {
    const column = names.indexOf(field);
    if (column < 0) {
      throw new UsageError(`there is no column '${field}' for --key; the columns are: ${names.join(', ')}`);
    }
    return column;
  });
  return { prefixes: names.map((name) => `${JSON.stringify(name)}:`), keyColumns };
}

/** The text of a field that was decoded as latin1; undefined when its bytes are not UTF-8. */
function decodeUtf8(field: string): string | undefined {
  if (!/[\x80-\xff]/.test(field)) return field;
  const bytes = Buffer.from(field, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : undefined;
}
