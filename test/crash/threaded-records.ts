/** The records of ingests in threads, each a function of the seed and its place: the killed and the checking process agree. */
import { Prng } from '@arena-level/common/base/prng';
import type { IngestOptions } from 'arena-level/engine';

const KEYS = 3000;
const MAX_FILLER = 150;
const ROUND_RECORDS = 2500;

export const BATCHES: IngestOptions & { readonly pieceRecords: number; readonly batchEntries: number } = {
  parse: new URL('../ingest/parsers/odd.mjs', import.meta.url),
  parseOptions: { ask: 'record' },
  split: 'records',
  threads: 2,
  pieceRecords: 50,
  // Its multiples are not those of the pieces: each has a small batch at its end.
  batchEntries: 7,
};

interface SourceRecord {
  readonly key: string;
  readonly at: number;
  readonly filler: string;
}

export function recordAt(seed: number, at: number, prefix = 'k'): SourceRecord {
  const prng = new Prng(seed ^ Math.imul(at + 1, 0x9e3779b1));
  const key = `${prefix}${String(prng.below(KEYS)).padStart(4, '0')}`;
  return { key, at, filler: 'v'.repeat(prng.below(MAX_FILLER)) };
}

/** Without end, from one on. */
export function* records(seed: number, from: number): Generator<SourceRecord> {
  for (let at = from; ; at++) yield recordAt(seed, at);
}

/** What the keys of a round of tables begin with. */
export function roundOf(round: number): string {
  return `r${String(round).padStart(4, '0')}/`;
}

export function* roundRecords(seed: number, prefix: string): Generator<SourceRecord> {
  for (let at = 0; at < ROUND_RECORDS; at++) yield recordAt(seed, at, prefix);
}

/** What a store has that holds these records alone. */
export function contentsWith(given: Iterable<SourceRecord>): Map<string, string> {
  const contents = new Map<string, string>();
  for (const record of given) contents.set(record.key, JSON.stringify(record));
  return contents;
}

/** Whether so many records of an ingest are whole batches. */
export function endsBatch(count: number): boolean {
  return (count % BATCHES.pieceRecords) % BATCHES.batchEntries === 0;
}
