/**
 * Records as lines of JSON, as they come from elsewhere: to be parsed and decoded before they can be put.
 *
 *     {"id":17,"time":"…","place":{…},"tags":[…],"key":"<hex>","value":"<base64>"}
 */
import type { PutOperation } from '../engines/engine.ts';
import { type Dataset, WrongResult } from '../workloads/dataset.ts';

/** Lines in shared memory: any thread may read them. */
export interface Lines {
  readonly text: SharedArrayBuffer;
  /** Parts of equal numbers of records, as far as they can be equal: where each begins, and the end of the last. */
  readonly bounds: readonly number[];
}

interface Line {
  readonly id: number;
  readonly time: string;
  readonly place: { readonly country: string; readonly lat: number; readonly lng: number };
  readonly tags: readonly string[];
  readonly key: string;
  readonly value: string;
}

const NEWLINE = 0x0a;
const FIRST_TIME_MS = Date.UTC(2026, 0, 1);
const COUNTRIES = ['AU', 'BR', 'CH', 'DE', 'IN', 'JP', 'KE', 'US'] as const;

/** Records 0 to `records` in version 0, one a line, cut into `parts`. */
export function linesOf(data: Dataset, records: number, parts: number): Lines {
  const lineBytes = longestLine(data, records);
  const text = new SharedArrayBuffer(lineBytes * records);
  const bytes = Buffer.from(text);
  const bounds: number[] = [0];
  let end = 0;
  for (let record = 0; record < records; record++) {
    end += bytes.write(lineOf(data, record), end, 'latin1');
    bytes[end++] = NEWLINE;
    while (bounds.length <= parts && record + 1 >= (records * bounds.length) / parts) bounds.push(end);
  }
  return { text, bounds };
}

function longestLine(data: Dataset, records: number): number {
  const longest = Array.from({ length: COUNTRIES.length }, (_, at) => lineOf(data, records + at).length);
  // A coordinate may have a few digits more than those of the samples.
  return Math.max(...longest) + 64;
}

function lineOf(data: Dataset, record: number): string {
  const value = data.newValue();
  data.writeValue(value, record, 0);
  const line: Line = {
    id: record,
    time: new Date(FIRST_TIME_MS + record * 1000).toISOString(),
    place: {
      country: COUNTRIES[record % COUNTRIES.length]!,
      lat: ((record * 7919) % 180_000) / 1000 - 90,
      lng: ((record * 104_729) % 360_000) / 1000 - 180,
    },
    tags: [`group-${record % 97}`, `source-${record % 13}`],
    key: data.keyOf(record).toString('hex'),
    value: value.toString('base64'),
  };
  return JSON.stringify(line);
}

/** Operations out of lines, one after the other. */
export class LineParser {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(text: SharedArrayBuffer, from: number, to: number) {
    this.#bytes = Buffer.from(text);
    this.#at = from;
    this.#end = to;
  }

  /** The next records, at most `count`; empty behind the last. Throws WrongResult for a line that says nothing. */
  next(count: number): PutOperation[] {
    const operations: PutOperation[] = [];
    while (operations.length < count && this.#at < this.#end) {
      const end = this.#bytes.indexOf(NEWLINE, this.#at);
      operations.push(operationOf(JSON.parse(this.#bytes.toString('utf8', this.#at, end)) as Line));
      this.#at = end + 1;
    }
    return operations;
  }
}

function operationOf({ id, key, place, tags, value }: Line): PutOperation {
  if (tags.length === 0 || !Number.isFinite(place.lat + place.lng)) {
    throw new WrongResult(`the line of record ${id} came out wrong`);
  }
  return { type: 'put', key: Buffer.from(key, 'hex'), value: Buffer.from(value, 'base64') };
}
