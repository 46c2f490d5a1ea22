/**
 * Runs a parse function over a piece of a source and gives its entries to a sink. Whatever goes wrong in it is the
 * caller's data or code: it is told with the line or record of the piece, which whoever knows the source turns into a position.
 */
import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@arena-level/common/base/limits';
import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import {
  type IngestPiece,
  lineTooLong,
  type ParsedPiece,
  type ParseJob,
} from '@arena-level/common/protocol/ingest-protocol';
import { loadParser, type ParseContext, type ParseFunction } from './load-parser.ts';

/** Takes entries over; the bytes may change once the call has returned. */
export interface EntrySink {
  put(key: Uint8Array, value: Uint8Array): void;
}

/** A failure of one line or record. */
export class UnitError extends Error {
  readonly unit: number;

  constructor(unit: number, cause: unknown) {
    super(messageOf(cause), { cause });
    this.unit = unit;
  }
}

const LF = 10;
const CR = 13;

export async function parsePiece(job: ParseJob, sink: EntrySink): Promise<ParsedPiece> {
  const parse = await loadParser(job.module);
  const { piece } = job;
  const context: ParseContext = { options: job.parseOptions, file: piece.file };
  const tally = { units: 0, entries: 0, bytes: 0 };
  let report: unknown;
  for (const input of inputsOf(piece)) {
    try {
      checkLine(input, piece);
      report = takeEntries(parse(input, context), sink, tally);
    } catch (error) {
      throw new UnitError(tally.units, error);
    }
    tally.units++;
  }
  return { ...tally, ...(piece.split === 'pieces' && report !== undefined ? { report } : {}) };
}

function* inputsOf({ split, bytes, records }: IngestPiece): Generator<unknown> {
  if (split === 'records') yield* records!;
  else if (split === 'pieces') yield ownCopy(bytes!);
  else yield* linesOf(ownCopy(bytes!));
}

function checkLine(input: unknown, { split, maxLineBytes }: IngestPiece): void {
  if (split !== 'lines' || maxLineBytes === undefined || (input as Uint8Array).length <= maxLineBytes) return;
  throw lineTooLong(maxLineBytes);
}

/** What a parse function sees is not shared: not all that takes bytes takes shared ones. Used again for each piece. */
let pieceBytes: Uint8Array<ArrayBuffer> = EMPTY_BYTES;

function ownCopy(shared: Uint8Array): Uint8Array<ArrayBuffer> {
  if (pieceBytes.length < shared.length) pieceBytes = new Uint8Array(shared.length);
  pieceBytes.set(shared);
  return pieceBytes.subarray(0, shared.length);
}

/** The lines without their ends, which are LF or CRLF; the last one may lack it. */
function* linesOf(piece: Uint8Array): Generator<Uint8Array> {
  const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LF, start);
    const end = found < 0 ? bytes.length : found;
    yield bytes.subarray(start, end > start && bytes[end - 1] === CR ? end - 1 : end);
    start = end + 1;
  }
}

/** Returns what the iteration returned. */
function takeEntries(
  entries: ReturnType<ParseFunction>,
  sink: EntrySink,
  tally: { entries: number; bytes: number },
): unknown {
  if (typeof (entries as Partial<typeof entries> | undefined)?.[Symbol.iterator] !== 'function') {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      'the parse function must return the entries, as an array or another iterable',
    );
  }
  const iterator = entries[Symbol.iterator]() as Iterator<unknown, unknown>;
  for (let next = iterator.next(); ; next = iterator.next()) {
    if (next.done === true) return next.value;
    const entry = next.value;
    if (!Array.isArray(entry) || entry.length !== 2) {
      throw new EngineError(ErrorCode.InvalidArgument, 'an entry must be an array of key and value');
    }
    const key = bytesOf(entry[0], 'key', ErrorCode.InvalidKey, MAX_KEY_BYTES);
    const value = bytesOf(entry[1], 'value', ErrorCode.InvalidValue, MAX_VALUE_BYTES);
    sink.put(key, value);
    tally.entries++;
    tally.bytes += key.length + value.length;
  }
}

function bytesOf(part: unknown, name: string, code: ErrorCode, limit: number): Uint8Array {
  const bytes = typeof part === 'string' ? Buffer.from(part) : part;
  if (!(bytes instanceof Uint8Array)) {
    throw new EngineError(code, `a ${name} must be a Uint8Array or a string, not ${typeof part}`);
  }
  if (bytes.length > limit) {
    throw new EngineError(
      ErrorCode.TooLarge,
      `a ${name} of ${bytes.length} bytes is over the limit of ${limit}`,
    );
  }
  return bytes;
}
