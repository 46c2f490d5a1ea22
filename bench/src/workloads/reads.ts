/** db_bench's reading workloads. */
import { WrongResult } from './dataset.ts';
import { checkSamples, fillAndSettle, fillStore, ScanCheck } from './fill.ts';
import type { Check, Workload, WorkloadContext } from './workload.ts';
import { writeBeside } from './write-beside.ts';

/** getSync takes about as long as looking at the clock ten times: one in so many is timed. */
const TIMED_EVERY = 16;
/** One value in so many is compared. */
const CHECKED_EVERY = 64;
const SEEK_ENTRIES = 10;

type Visit = (found: Uint8Array | undefined, record: number, at: number) => void;

async function readRandom(
  context: WorkloadContext,
  count: number,
  firstRecord: number,
  visit: Visit,
): Promise<void> {
  const { data, meter, mode, prng, records, store } = context;
  const { getSync } = store;
  const key = data.newKey();
  const nextRecord = (): number => {
    const record = firstRecord + prng.below(records);
    data.writeKey(key, record);
    return record;
  };
  if (mode.kind === 'sync') {
    if (getSync === undefined) throw new Error('the engine has no getSync');
    for (let at = 0; at < count && !meter.isOver; at += TIMED_EVERY) {
      const untimed = Math.min(TIMED_EVERY, count - at) - 1;
      for (let i = 0; i < untimed; i++) {
        const record = nextRecord();
        visit(getSync(key), record, at + i);
      }
      meter.untimed(untimed);
      const record = nextRecord();
      const startedMs = performance.now();
      const found = getSync(key);
      meter.timed(startedMs, 1);
      visit(found, record, at + untimed);
    }
    return;
  }
  for (let at = 0; at < count && !meter.isOver; at++) {
    const record = nextRecord();
    const startedMs = performance.now();
    const found = await store.get(key);
    meter.timed(startedMs, 1);
    visit(found, record, at);
  }
}

function present({ data }: WorkloadContext): Visit {
  return (found, record, at) => {
    if (found === undefined || at % CHECKED_EVERY === 0) data.checkValue(found, record, 0);
  };
}

const absent: Visit = (found, record) => {
  if (found !== undefined) throw new WrongResult(`record ${record} was found although it was never put`);
};

async function readPresent(context: WorkloadContext): Promise<Check> {
  await readRandom(context, context.reads, 0, present(context));
  return () => checkSamples(context, context.records, () => 0);
}

export const readrandom: Workload = {
  name: 'readrandom',
  about: 'gets of random keys right after they were put: most are in memory',
  modes: 'read',
  keys: 'random',
  writes: false,
  prepare: (context) => fillStore(context, context.records),
  run: readPresent,
};

export const readrandomReopened: Workload = {
  ...readrandom,
  name: 'readrandom-reopened',
  about: 'gets of random keys after the store was closed and opened again: the first from the page cache',
  reopens: true,
  prepare: fillAndSettle,
  async run(context) {
    return readPresent(context);
  },
};

export const readrandomWarm: Workload = {
  ...readrandomReopened,
  name: 'readrandom-warm',
  about: 'the same once every record was read: from the caches of the engine',
  async warm({ data, records, store }) {
    const key = data.newKey();
    for (let record = 0; record < records; record++) {
      data.writeKey(key, record);
      if (store.getSync === undefined) await store.get(key);
      else store.getSync(key);
    }
  },
};

export const readmissing: Workload = {
  name: 'readmissing',
  about: 'gets of random keys that are not there, from tables',
  modes: 'read',
  keys: 'random',
  writes: false,
  reopens: true,
  prepare: fillAndSettle,
  async run(context) {
    await readRandom(context, context.reads, context.records, absent);
    return () => checkSamples(context, context.records, () => 0);
  },
};

function scanWorkload(name: string, about: string, isReverse: boolean): Workload {
  return {
    name,
    about,
    modes: 'only',
    keys: 'random',
    writes: false,
    reopens: true,
    prepare: fillAndSettle,
    async run(context) {
      const { meter, records, store } = context;
      const check = new ScanCheck(context, isReverse);
      let startedMs = performance.now();
      await store.scan({ reverse: isReverse }, (key, value) => {
        check.see(key, value);
        if (check.seen % 1000 === 0) {
          meter.timed(startedMs, 1000);
          startedMs = performance.now();
        }
      });
      meter.timed(startedMs, check.seen % 1000);
      if (check.seen !== records)
        throw new WrongResult(`the scan passed ${check.seen} of ${records} entries`);
      return async () => check.seen;
    },
  };
}

export const readseq: Workload = scanWorkload('readseq', 'the whole store in order of keys', false);
export const readreverse: Workload = scanWorkload('readreverse', 'the whole store backwards', true);

export const seekrandom: Workload = {
  name: 'seekrandom',
  about: `a scan from a random key over ${SEEK_ENTRIES} entries`,
  modes: 'only',
  keys: 'random',
  writes: false,
  reopens: true,
  prepare: fillAndSettle,
  async run(context) {
    const { data, meter, prng, records, store } = context;
    const count = Math.ceil(context.reads / SEEK_ENTRIES);
    for (let at = 0; at < count && !meter.isOver; at++) {
      const record = prng.below(records);
      const from = data.keyOf(record);
      let first: Uint8Array | undefined;
      let entries = 0;
      const startedMs = performance.now();
      await store.scan({ from, limit: SEEK_ENTRIES }, (_, value) => {
        if (entries++ === 0) first = value;
      });
      meter.timed(startedMs, 1);
      data.checkValue(first, record, 0);
    }
    return () => checkSamples(context, records, () => 0);
  },
};

export const readwhilewriting: Workload = {
  name: 'readwhilewriting',
  about: 'gets of random keys while batches of 100 are written at a fixed rate',
  modes: 'read',
  keys: 'random',
  writes: true,
  prepare: fillAndSettle,
  async run(context) {
    const { meter, records } = context;
    const writes = writeBeside(context);
    try {
      await readInTurns(context, () => meter.isOver);
    } finally {
      meter.beside = await writes.stop();
    }
    return () => checkSamples(context, records, () => 0);
  },
};

/** Reads with the event loop turning between, since the writes are due on it. */
async function readInTurns(context: WorkloadContext, isOver: () => boolean): Promise<void> {
  const turn = 256;
  for (let done = 0; done < context.reads && !isOver(); done += turn) {
    await readRandom(context, Math.min(turn, context.reads - done), 0, present(context));
    await new Promise((turned) => setImmediate(turned));
  }
}
