import { isUtf8 } from 'node:buffer';
import { messageOf } from '@arena-level/common/base/errors';
import { CsvError } from 'csv-parse';
import { CommandError, UsageError } from '../errors.ts';
import { joinKey } from './key-of-record.ts';
import { malformed, type ReaderOptions, type SourceItem } from './source-item.ts';

interface Header {
  /** `"name":` of each column, ready for a JSON object. */
  readonly prefixes: readonly string[];
  /** Where the key fields are among the columns. */
  readonly keyColumns: readonly number[];
}

/** csv-parse numbers lines as text editors do; its message repeats the line and may quote whole fields. */
const REASONS: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: 'has more or fewer fields than the header',
  CSV_INVALID_CLOSING_QUOTE: 'has text behind a closing quote',
  INVALID_OPENING_QUOTE: 'has a quote inside an unquoted field',
  CSV_QUOTE_NOT_CLOSED: 'is the end of the file inside an open quote',
};

/**
 * Turns what the parser reports into items, in order. Fields come decoded as latin1: one character per byte.
 *
 * Problems of the header concern the whole source and are thrown by `take`.
 */
export class DelimitedTranslator {
  readonly #options: ReaderOptions;
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

  onRecord(fields: readonly string[], line: number): void {
    if (this.#ended) return;
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
    const line = error instanceof CsvError && typeof error['lines'] === 'number' ? error['lines'] : 0;
    if (code === 'CSV_MAX_RECORD_SIZE') {
      // The parser does not find the next record behind one that is too long.
      const limit = this.#options.maxRecordBytes;
      this.#items.push(
        malformed(line, `begins or continues a record longer than ${limit} bytes (an open quote?)`, true),
      );
      this.#ended = true;
    } else if (this.#header === undefined) {
      this.#fail(new CommandError(`the header line ${reasonOf(code, error)}`));
    } else {
      this.#items.push(malformed(line, reasonOf(code, error)));
    }
  }

  /** The source has ended. */
  end(): void {
    if (this.#header === undefined && !this.#ended)
      this.#fail(new CommandError('the input has no header line'));
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#ended = true;
  }

  #translate(header: Header, texts: readonly (string | undefined)[], line: number): SourceItem {
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

function reasonOf(code: string, error: unknown): string {
  return REASONS[code] ?? messageOf(error);
}

/** The text of a field that was decoded as latin1; undefined when its bytes are not UTF-8. */
function decodeUtf8(field: string): string | undefined {
  if (!/[\x80-\xff]/.test(field)) return field;
  const bytes = Buffer.from(field, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : undefined;
}
