import type { ScanRange } from './engine.ts';

const SCAN_ENTRIES = 1000;

/** Bounds, direction and limit of a range, as iterators of this engine and of abstract-level take them. */
export function iteratorRange({ from, reverse = false, limit }: ScanRange): {
  readonly gte?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly reverse: boolean;
  readonly limit?: number;
} {
  const bound = from === undefined ? {} : reverse ? { lte: from } : { gte: from };
  return { ...bound, reverse, ...(limit !== undefined && Number.isFinite(limit) ? { limit } : {}) };
}

/** Shows all entries of an iterator, which ends at `limit`. It is left open. */
export async function visitEntries<K, V>(
  iterator: { nextv(size: number): Promise<[key: K, value: V][]> },
  { limit = Number.POSITIVE_INFINITY }: ScanRange,
  visit: (key: K, value: V) => void,
): Promise<void> {
  const size = Math.min(limit, SCAN_ENTRIES);
  for (;;) {
    const entries = await iterator.nextv(size);
    if (entries.length === 0) return;
    for (const [key, value] of entries) visit(key, value);
    if (entries.length === limit) return;
  }
}
