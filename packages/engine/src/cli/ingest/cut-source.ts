/**
 * Cuts a source into pieces of whole records, for threads to parse. Cheap: line ends are looked for where a piece is to
 * end, and in csv the quotes between them, which may hold line ends.
 *
 * Where it cannot be told where records end, as behind a quote that has no place in csv, cutting ends: `rest` is the source
 * from the record on that is under way, for the reader that goes through it record by record. So what comes of a source does not
 * depend on whether it was cut.
 */
import { withoutByteOrderMark } from './byte-order-mark.ts';
import type { DelimitedFormat } from './record-reader-delimited.ts';
import type { SourceChunks } from './source-item.ts';

const LF = 10;
const CR = 13;
const QUOTE = 34;
const FIRST_PIECE_BYTES: number = 1024 * 1024;
export const MAX_PIECE_BYTES: number = 4 * FIRST_PIECE_BYTES;

/** Finds the ends of records in a source that is shown to it in order. */
export interface RecordEnds {
  /**
   * How far gathered[0, end) consists of whole records; -1: that cannot be told any more. What is behind that is shown again, with
   * more behind it.
   */
  lastEnd(gathered: Buffer): number;
}

export interface CutOptions {
  readonly maxRecordBytes: number;
  /** Fires when the user interrupts: what has not come as a whole is left then. */
  readonly interrupt: AbortSignal;
  readonly firstPieceBytes?: number;
}

export class CutSource {
  readonly #chunks: AsyncGenerator<Uint8Array>;
  readonly #ends: RecordEnds;
  readonly #options: CutOptions;
  /** What was gathered is #buffer[#start, #end): memory that is used again, as its first touch costs more than a copy. */
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #isCut = true;

  /** `chunks`: each is done with when the next one is asked for. */
  constructor(chunks: SourceChunks, ends: RecordEnds, options: CutOptions) {
    this.#chunks = withoutByteOrderMark(chunks);
    this.#ends = ends;
    this.#options = options;
  }

  /** Each is good until the next one is asked for. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    let size = this.#options.firstPieceBytes ?? FIRST_PIECE_BYTES;
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) {
      this.#gather(next.value);
      if (this.#gathered.length < size) continue;
      const end = this.#ends.lastEnd(this.#gathered);
      if (end > 0) {
        yield this.#take(end);
        size = Math.min(MAX_PIECE_BYTES, 2 * size);
      }
      if (end < 0 || this.#gathered.length > this.#options.maxRecordBytes) {
        this.#isCut = false;
        return;
      }
    }
    // The last record may lack its end; of an interrupted source it may lack more.
    const end = this.#options.interrupt.aborted
      ? Math.max(0, this.#ends.lastEnd(this.#gathered))
      : this.#gathered.length;
    if (end > 0) yield this.#take(end);
  }

  /** What is left when the pieces have come to their end. */
  get rest(): SourceChunks | undefined {
    return this.#isCut ? undefined : this.#remaining();
  }

  async *#remaining(): AsyncGenerator<Uint8Array> {
    yield this.#gathered;
    for await (const chunk of this.#chunks) yield new Uint8Array(chunk);
  }

  get #gathered(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  #gather(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #makeRoom(bytes: number): void {
    const gathered = this.#gathered;
    const needed = gathered.length + bytes;
    // Half of it is left free: moving what is gathered is to be rare.
    if (2 * needed > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(2 * needed);
    gathered.copy(this.#buffer);
    this.#start = 0;
    this.#end = gathered.length;
  }

  #take(end: number): Uint8Array {
    const piece = this.#gathered.subarray(0, end);
    this.#start += end;
    return piece;
  }
}

/** A record is a line. */
export const lineEnds: RecordEnds = { lastEnd: (gathered) => gathered.lastIndexOf(LF) + 1 };

/**
 * Records of a delimited format. The first line end outside of quotes says which one ends records, as for csv-parse; one
 * without LF is left to it.
 */
export class DelimitedEnds implements RecordEnds {
  readonly #delimiter: number;
  readonly #hasQuotes: boolean;
  #endsWithCr: boolean | undefined;

  constructor({ delimiter, quote }: DelimitedFormat) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#hasQuotes = quote !== null;
  }

  lastEnd(gathered: Buffer): number {
    let last = 0;
    for (let at = 0; at < gathered.length; ) {
      const quote = this.#hasQuotes ? gathered.indexOf(QUOTE, at) : -1;
      const limit = quote < 0 ? gathered.length : quote;
      const end = this.#lastIn(gathered, at, limit);
      if (end < 0) return -1;
      last = Math.max(last, end);
      if (quote < 0) return last;
      if (!this.#mayOpen(gathered, quote)) return last > 0 ? last : -1;
      const closing = closingQuote(gathered, quote);
      // Not there yet, or followed by what is not there yet. What must not follow ends the reading of the piece.
      if (closing < 0 || closing + 1 === gathered.length) return last;
      at = closing + 1;
    }
    return last;
  }

  /** Behind the last record of gathered[start, limit), which has no quote; 0: none ends there. -1: by CR, it seems. */
  #lastIn(gathered: Buffer, start: number, limit: number): number {
    const part = gathered.subarray(start, limit);
    if (this.#endsWithCr === undefined) {
      const cr = part.indexOf(CR);
      const lf = part.indexOf(LF);
      if (cr >= 0 && (lf < 0 || cr < lf)) {
        if (start + cr + 1 === gathered.length) return 0;
        if (gathered[start + cr + 1] !== LF) return -1;
        this.#endsWithCr = true;
      } else if (lf >= 0) this.#endsWithCr = false;
      else return 0;
    }
    for (let at = part.lastIndexOf(LF); at >= 0; at = at === 0 ? -1 : part.lastIndexOf(LF, at - 1)) {
      if (!this.#endsWithCr || (start + at > 0 && gathered[start + at - 1] === CR)) return start + at + 1;
    }
    return 0;
  }

  #mayOpen(gathered: Buffer, quote: number): boolean {
    if (quote === 0 || gathered[quote - 1] === this.#delimiter) return true;
    return gathered[quote - 1] === LF && (this.#endsWithCr !== true || gathered[quote - 2] === CR);
  }
}

/** Of two quotes in a row neither closes. -1: it is not there. */
function closingQuote(gathered: Buffer, opening: number): number {
  for (let at = gathered.indexOf(QUOTE, opening + 1); at >= 0; at = gathered.indexOf(QUOTE, at + 2)) {
    if (gathered[at + 1] !== QUOTE) return at;
  }
  return -1;
}

/** Where the first record that is not empty ends, which is the header of a delimited source; undefined: nowhere. */
export function headerEnd(bytes: Uint8Array, { quote }: DelimitedFormat): number | undefined {
  let isQuoted = false;
  let isEmpty = true;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE && quote !== null) isQuoted = !isQuoted;
    if (byte === LF && !isQuoted && !isEmpty) return at + 1;
    if (byte !== LF && byte !== CR) isEmpty = false;
  }
  return undefined;
}

export function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}

/** As csv-parse counts lines: CR LF is one end, and CR alone is one, too. */
export function countLineEnds(bytes: Uint8Array): number {
  let count = countLines(bytes);
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) if (bytes[at + 1] !== LF) count++;
  return count;
}
