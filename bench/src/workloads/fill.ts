/** What workloads share: putting the data set in, and looking whether it is there. */
import type { BenchStore, PutOperation } from '../engines/engine.ts';
import type { OperationSource } from './apply.ts';
import { WrongResult } from './dataset.ts';
import type { Check, WorkloadContext } from './workload.ts';

const PREPARE_BATCH = 1000;
/** Records whose values are compared one by one after a run; all are counted. */
const SAMPLES = 1000;
/** Of a scan, one entry in so many is compared with its record. */
const SCAN_SAMPLE = 997;

type Filled = Pick<WorkloadContext, 'data' | 'store'>;
type Checked = Pick<WorkloadContext, 'data' | 'prng' | 'store'>;

/** Operation `at` puts record `recordOf(at)` in version `versionOf(at)`. */
export function puts(
  { data }: Pick<WorkloadContext, 'data'>,
  recordOf: (at: number) => number,
  versionOf: (at: number) => number,
): OperationSource<PutOperation> {
  return {
    newSlot: () => ({ type: 'put', key: data.newKey(), value: data.newValue() }),
    fill({ key, value }, at) {
      const record = recordOf(at);
      data.writeKey(key, record);
      data.writeValue(value, record, versionOf(at));
    },
  };
}

/** Puts records 0 to `count` in version 0, untimed. */
export async function fillStore(context: Filled, count: number): Promise<void> {
  const source = puts(
    context,
    (at) => at,
    () => 0,
  );
  const slots = Array.from({ length: Math.min(PREPARE_BATCH, count) }, () => source.newSlot());
  for (let done = 0; done < count; ) {
    const batch = slots.slice(0, Math.min(slots.length, count - done));
    for (const [at, slot] of batch.entries()) source.fill(slot, done + at);
    await context.store.batch(batch);
    done += batch.length;
  }
}

/** The same with all records, and all of it where reads find it after a while. */
export async function fillAndSettle(context: WorkloadContext): Promise<void> {
  await fillStore(context, context.records);
  await context.store.settle();
}

/** All records are there, and nothing else; sampled ones in the version that `versionOf` tells, or in any. */
export function checkContents(
  context: Checked,
  count: number,
  versionOf: (record: number) => number | undefined,
): Check {
  return async () => {
    const found = await countEntries(context);
    if (found !== count) throw new WrongResult(`the store has ${found} entries instead of ${count}`);
    return checkSamples(context, count, versionOf);
  };
}

/** Values of random records below `count`; how many. Throws WrongResult. */
export async function checkSamples(
  { data, prng, store }: Omit<Checked, 'store'> & { readonly store: Pick<BenchStore, 'get'> },
  count: number,
  versionOf: (record: number) => number | undefined,
): Promise<number> {
  const samples = Math.min(SAMPLES, count);
  for (let sample = 0; sample < samples; sample++) {
    const record = prng.below(count);
    data.checkValue(await store.get(data.keyOf(record)), record, versionOf(record));
  }
  return samples;
}

async function countEntries({ store }: Pick<WorkloadContext, 'store'>): Promise<number> {
  let entries = 0;
  await store.scan({}, () => {
    entries++;
  });
  return entries;
}

/** Looks at entries of a scan as they come: their order, and the value of one in so many. */
export class ScanCheck {
  readonly #context: WorkloadContext;
  readonly #isReverse: boolean;
  #last: Buffer | undefined;
  #seen = 0;

  constructor(context: WorkloadContext, isReverse = false) {
    this.#context = context;
    this.#isReverse = isReverse;
  }

  get seen(): number {
    return this.#seen;
  }

  see(key: Uint8Array, value: Uint8Array): void {
    if (this.#seen++ % SCAN_SAMPLE !== 0) return;
    const now = Buffer.from(key);
    const { data } = this.#context;
    data.checkValue(value, Buffer.from(value).readUInt32LE(0));
    if (!data.keyOf(Buffer.from(value).readUInt32LE(0)).equals(now)) {
      throw new WrongResult(`the scan came to key ${now.toString('hex')} with the value of another one`);
    }
    if (this.#last !== undefined) {
      const order = Buffer.compare(this.#last, now);
      if (this.#isReverse ? order <= 0 : order >= 0) {
        throw new WrongResult(`the scan came to key ${now.toString('hex')} out of order`);
      }
    }
    this.#last = now;
  }
}
