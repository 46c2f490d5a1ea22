import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import type { IngestReport, IngestOptions as StoreIngestOptions } from '../../public/ingest-types.ts';
import { readToFirstRecord } from './first-record.ts';
import type { IngestOptions, SourceFormat } from './ingest-options.ts';
import { ThreadedLoad } from './load-in-threads.ts';
import { type LoadCounts, loadRecords, newCounts } from './load-records.ts';
import { type PieceOptions, type PieceReport, parse } from './parse-piece.ts';
import { CSV, delimitedReader, TSV } from './record-reader-delimited.ts';
import { readNdjson } from './record-reader-ndjson.ts';
import type { RecordReader } from './source-item.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_126);
const READERS: Readonly<Record<SourceFormat, RecordReader>> = {
  ndjson: readNdjson,
  csv: delimitedReader(CSV),
  tsv: delimitedReader(TSV),
};

interface Outcome {
  readonly entries: readonly string[];
  readonly counts?: Partial<LoadCounts>;
  readonly error?: string;
}

function optionsFor(
  format: SourceFormat,
  onMalformed: 'stop' | 'count',
  maxRecordBytes: number,
): IngestOptions {
  return {
    source: '-',
    location: 'none',
    format,
    reader: { keyFields: ['id'], keyDelimiter: '/', maxRecordBytes },
    load: { batchRecords: 10, sync: false, onMalformed },
    open: {},
    threads: 2,
    json: false,
  };
}

async function* chunksOf(text: string, prng: Prng): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + prng.below(40));
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** Gathers what is stored, in its order. */
class Target {
  readonly entries: string[] = [];

  async batch(operations: readonly { key: Uint8Array; value?: Uint8Array }[]): Promise<void> {
    for (const { key, value } of operations) this.#store(key, value!);
  }

  /** As a store would, in one thread. */
  async ingest(source: AsyncIterable<Uint8Array>, given: StoreIngestOptions): Promise<IngestReport> {
    for await (const piece of source) {
      const parsed = parse(structuredClone(piece), {
        options: structuredClone(given.parseOptions) as PieceOptions,
      });
      let next = parsed.next();
      for (; next.done !== true; next = parsed.next()) this.#store(...next.value);
      if (given.onPiece!(structuredClone(next.value as PieceReport)) === false) break;
    }
    return { path: 'batches', sourceBytes: 0, entries: 0, bytes: 0, tables: 0, level: undefined };
  }

  #store(key: Uint8Array, value: Uint8Array): void {
    this.entries.push(`${Buffer.from(key).toString('latin1')} = ${Buffer.from(value).toString('latin1')}`);
  }
}

async function outcomeOf(run: (target: Target) => Promise<LoadCounts>): Promise<Outcome> {
  const target = new Target();
  try {
    const { records, bytes, malformed, samples, fatal } = await run(target);
    return { entries: target.entries, counts: { records, bytes, malformed, samples, fatal } };
  } catch (error) {
    return { entries: target.entries, error: (error as Error).message };
  }
}

const NEVER = new AbortController().signal;

function inOneThread(text: string, options: IngestOptions, prng: Prng): Promise<Outcome> {
  return outcomeOf(async (target) => {
    const counts = newCounts();
    const items = READERS[options.format](chunksOf(text, prng), options.reader);
    await loadRecords(items, target as never, options.load, counts, NEVER, () => {});
    return counts;
  });
}

function inThreads(text: string, options: IngestOptions, prng: Prng): Promise<Outcome> {
  return outcomeOf(async (target) => {
    const size = 1 + prng.below(200);
    const load = new ThreadedLoad(chunksOf(text, prng), options, READERS[options.format], NEVER, size);
    const begun = newCounts();
    const started = await readToFirstRecord(load.firstItems(), options.load, begun);
    if (begun.fatal !== undefined) return begun;
    const counts = load.isAtRest ? begun : newCounts();
    let items: typeof started | undefined = started;
    if (!load.isAtRest) {
      await load.run(target as never, counts, () => {});
      items = counts.fatal === undefined ? load.rest : undefined;
    }
    if (items !== undefined) await loadRecords(items, target as never, options.load, counts, NEVER, () => {});
    return counts;
  });
}

const VALUES = ['x', '', 'a b', "it's", 'caf\u00c3\u00a9', '12'];
const QUOTED = [
  '"a, b"',
  '"two\nlines"',
  '"two\r\nlines"',
  '"a ""b"" c"',
  '""',
  '"\r"',
  '"\nb"',
  '",c"',
  '"""x"""',
];
const WRONG_FIELDS = ['a"b', '"open', '"closed"x', 'bad\u00ff', '"a" '];

function randomDelimited(prng: Prng, separator: string, wrong: number, lineEnd: string): string {
  // Without quotes csv-parse takes CR and the LF that ends a record for two lines.
  const quoted = separator === ',' ? QUOTED : QUOTED.filter((value) => !value.includes('\r'));
  const field = (): string => {
    if (prng.below(100) < wrong) return WRONG_FIELDS[prng.below(WRONG_FIELDS.length)]!;
    return prng.oneIn(3) ? quoted[prng.below(quoted.length)]! : VALUES[prng.below(VALUES.length)]!;
  };
  let text = `${prng.oneIn(6) ? '\u00ef\u00bb\u00bf' : ''}${lineEnd.repeat(prng.below(3))}id${separator}"t"${lineEnd}`;
  const count = prng.below(60);
  for (let at = 0; at < count; at++) {
    if (prng.oneIn(12)) text += lineEnd;
    const more = prng.oneIn(25) ? `${separator}more` : '';
    text += `${prng.oneIn(40) ? '' : at}${separator}${field()}${more}`;
    if (at + 1 < count || prng.oneIn(2)) text += prng.oneIn(50) ? '\n' : lineEnd;
  }
  return text;
}

function randomNdjson(prng: Prng, wrong: number): string {
  const count = prng.below(60);
  let text = prng.oneIn(6) ? '\u00ef\u00bb\u00bf' : '';
  for (let at = 0; at < count; at++) {
    if (prng.oneIn(12)) text += '\n';
    if (prng.below(100) < wrong)
      text += ['{', '[]', '{"id":null}', 'bad\u00ff', 'x'.repeat(300)][prng.below(5)]!;
    else text += `{"id":${at},"t":"${'y'.repeat(prng.below(30))}"}`;
    if (at + 1 < count || prng.oneIn(2)) text += prng.oneIn(4) ? '\r\n' : '\n';
  }
  return text;
}

function randomSource(format: SourceFormat, prng: Prng): string {
  const wrong = [0, 0, 2, 10][prng.below(4)]!;
  if (format === 'ndjson') return randomNdjson(prng, wrong);
  const lineEnd = ['\n', '\r\n', '\n', '\r'][prng.below(4)]!;
  return randomDelimited(prng, format === 'csv' ? ',' : '\t', wrong, lineEnd);
}

describe('a source that threads parse', () => {
  test.each(['ndjson', 'csv', 'tsv'] as const)(
    'comes to what one thread makes of it: random %s',
    async (format) => {
      for (let round = 0; round < 400; round++) {
        const prng = new Prng(SEED + round);
        const text = randomSource(format, prng);
        const options = optionsFor(format, prng.oneIn(2) ? 'stop' : 'count', prng.oneIn(4) ? 120 : 10_000);
        const alone = await inOneThread(text, options, prng);
        const threaded = await inThreads(text, options, prng);
        expect(threaded, `round ${round} of seed ${SEED}: ${JSON.stringify(text)}`).toEqual(alone);
      }
    },
  );
});
