import { Prng } from '@arena-level/common/base/prng';
import type { ReaderOptions, RecordReader, SourceItem } from './source-item.ts';

/** An item in words: `1: k/ey = value`, `2: reason`, `3!: fatal reason`. */
export function show(item: SourceItem): string {
  if (item.kind === 'malformed') return `${item.line}${item.fatal ? '!' : ''}: ${item.reason}`;
  return `${item.line}: ${Buffer.from(item.key)} = ${Buffer.from(item.value)}`;
}

export const READER_OPTIONS: ReaderOptions = { keyFields: ['id'], keyDelimiter: '/', maxRecordBytes: 1000 };

/** All items of a source that comes in pieces of at most `pieceBytes`, cut where `prng` says. */
export async function readAll(
  reader: RecordReader,
  source: string | Uint8Array,
  options: Partial<ReaderOptions> = {},
  pieceBytes = 1 << 20,
  prng: Prng = new Prng(1),
): Promise<string[]> {
  const shown: string[] = [];
  const bytes = Buffer.from(source as Uint8Array);
  for await (const items of reader(pieces(bytes, pieceBytes, prng), { ...READER_OPTIONS, ...options })) {
    shown.push(...items.map(show));
  }
  return shown;
}

/** Each piece lies in memory of its own, so that reading beyond one is seen. */
export async function* pieces(bytes: Uint8Array, pieceBytes: number, prng: Prng): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + prng.below(pieceBytes));
    yield bytes.slice(at, end);
    at = end;
  }
}

export const SEED: number = Number(process.env['SEED'] ?? 20251107);
