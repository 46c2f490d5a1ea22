/** db_bench's writing workloads. */
import { applyAll } from './apply.ts';
import { checkContents, fillAndSettle, puts } from './fill.ts';
import type { Check, Workload, WorkloadContext } from './workload.ts';

const FIRST_VERSION = 0;

async function fill(context: WorkloadContext): Promise<Check> {
  const source = puts(
    context,
    (at) => at,
    () => FIRST_VERSION,
  );
  const done = await applyAll(context, context.records, source);
  return checkContents(context, done, () => FIRST_VERSION);
}

export const fillseq: Workload = {
  name: 'fillseq',
  about: 'puts into an empty store, keys ascending',
  modes: 'write',
  keys: 'ordered',
  writes: true,
  run: fill,
};

export const fillrandom: Workload = {
  name: 'fillrandom',
  about: 'puts into an empty store, keys in random order',
  modes: 'write',
  keys: 'random',
  writes: true,
  run: fill,
};

/** A sync takes as long as the disk does: fewer records. */
export const fillsync: Workload = {
  ...fillrandom,
  name: 'fillsync',
  about: 'the same, every write synced to the disk',
  share: 0.01,
  sync: true,
};

export const fill100K: Workload = {
  ...fillrandom,
  name: 'fill100K',
  about: 'values of 100,000 bytes, keys in random order',
  share: 0.002,
  valueBytes: 100_000,
};

export const overwrite: Workload = {
  name: 'overwrite',
  about: 'puts under random keys that are there already',
  modes: 'write',
  keys: 'random',
  writes: true,
  prepare: fillAndSettle,
  async run(context) {
    const { mode, prng, records } = context;
    const versions = new Uint32Array(records);
    let record = 0;
    const source = puts(
      context,
      (at) => {
        record = prng.below(records);
        versions[record] = at + 1;
        return record;
      },
      (at) => at + 1,
    );
    await applyAll(context, records, source);
    // Of writes in flight at the same time, any may be the last.
    const isOrdered = mode.kind !== 'in-flight';
    return checkContents(context, records, (at) => (isOrdered ? versions[at]! : undefined));
  },
};

export const deleterandom: Workload = {
  name: 'deleterandom',
  about: 'deletions of random keys, one in two of those that are there',
  modes: 'write',
  keys: 'random',
  writes: true,
  prepare: fillAndSettle,
  async run(context) {
    const { data, records, store } = context;
    const half = Math.floor(records / 2);
    // Random keys follow no order of records: the later half is a random half.
    const done = await applyAll(context, half, {
      newSlot: () => ({ type: 'del', key: data.newKey() }) as const,
      fill: ({ key }, at) => data.writeKey(key, records - 1 - at),
    });
    // A deletion has no value.
    context.meter.bytes = done * data.shape.keyBytes;
    const check = checkContents(context, records - done, () => FIRST_VERSION);
    return async () => {
      if (done > 0 && (await store.get(data.keyOf(records - 1))) !== undefined) {
        throw new Error(`record ${records - 1} is there although it was deleted`);
      }
      return check();
    };
  },
};
