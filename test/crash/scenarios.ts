/** Lives of a store in memory, recorded: every crash test crashes them at all their moments. */
import type { Clock } from '@arena-level/common/base/clock';
import { Prng } from '@arena-level/common/base/prng';
import type { FaultRule } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { StorageTrace } from '@arena-level/common/storage/storage-trace';
import { type OpenOptions, open } from 'arena-level/engine';
import { HeldExecutor } from '../support/held-executor.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RandomSchedule } from '../support/random-schedule.ts';
import type { History } from './history.ts';
import { RecordedStore } from './recorded-store.ts';
import { answerInAnyOrder } from './unordered-answers.ts';
import { randomKey, randomValue, writeRandomly } from './workload.ts';

export interface Recording {
  readonly history: History;
  readonly trace: StorageTrace;
  readonly options: OpenOptions;
}

export type MemtableKind = 'hash' | 'skiplist';

/** Arenas as small as they come, so that a few dozen writes fill one. */
export function tinyStore(memtable: MemtableKind): OpenOptions {
  return { flush: 'inline', memtable, writeBufferSize: 4096, maxFrozenMemtables: 2, blockSize: 512 };
}

/** As long as it takes to fill a manifest with a few edits. */
export const LONG_KEY: string = 'z'.repeat(1000);

export const TINY_LEVELS: OpenOptions = {
  maxFileSize: 4096,
  level1Size: 8192,
  levelSizeMultiplier: 2,
  level0CompactionTrigger: 2,
  level0SlowdownTrigger: 8,
  level0PauseTrigger: 12,
  maxManifestSize: 4096,
};

export interface Scenario {
  readonly name: string;
  record(memtable: MemtableKind, seed: number): Promise<Recording>;
}

/** Puts, deletes and batches, one after the other; a flush, two reopens; asynchronous operations end in order. */
const awaited: Scenario = {
  name: 'awaited writes with a flush and reopens',
  async record(memtable, seed) {
    const prng = new Prng(seed);
    const options = tinyStore(memtable);
    const memory = new MemoryStorage();
    const store = new RecordedStore(options, { memory, clock: new ManualClock() });
    await store.open();
    await writeRandomly(store, 70, 'awaited', prng);
    await store.flush();
    await writeRandomly(store, 5, 'awaited', prng);
    await store.close();
    await store.open();
    await store.close();
    await store.open();
    await writeRandomly(store, 60, 'awaited', prng);
    await store.close();
    return { history: store.history, trace: memory.trace, options };
  },
};

/** Bursts of writes over a storage whose operations end in any order, and a disk that is slow now and then. */
const concurrent: Scenario = {
  name: 'concurrent writes with syncs that overtake each other',
  async record(memtable, seed) {
    const prng = new Prng(seed);
    const options = tinyStore(memtable);
    const memory = new MemoryStorage({ schedule: new RandomSchedule(prng).add });
    const store = new RecordedStore(options, { memory, clock: unsteadyClock(prng) });
    await store.open();
    await writeRandomly(store, 110, 'concurrent', prng);
    await store.flush();
    await writeRandomly(store, 20, 'concurrent', prng);
    await store.close();
    return { history: store.history, trace: memory.trace, options };
  },
};

/** Blocking writes among asynchronous ones: they take over writes, syncs, flushes and commits that are under way. */
const blocking: Scenario = {
  name: 'blocking writes that take over what is under way',
  async record(memtable, seed) {
    const prng = new Prng(seed);
    const options = tinyStore(memtable);
    const memory = new MemoryStorage({ schedule: new RandomSchedule(prng).add });
    const store = new RecordedStore(options, { memory, clock: unsteadyClock(prng) });
    await store.open();
    await writeRandomly(store, 110, 'blocking', prng);
    await store.close();
    return { history: store.history, trace: memory.trace, options };
  },
};

/** Two tables are built at a time; the younger one is often there first, and waits for the older one's commit. */
const parallel: Scenario = {
  name: 'two flushes at a time that are answered in any order',
  async record(memtable, seed) {
    const prng = new Prng(seed);
    const options = tinyStore(memtable);
    const memory = new MemoryStorage({ schedule: new RandomSchedule(prng).add });
    const executor = new HeldExecutor(memory);
    const store = new RecordedStore(
      { ...options, flush: 'worker', flushWorkers: 2, maxFrozenMemtables: 3 },
      { memory, clock: unsteadyClock(prng), executor },
    );
    const live = async (): Promise<void> => {
      await store.open();
      await writeRandomly(store, 130, 'concurrent', prng);
      await store.flush();
      await writeRandomly(store, 20, 'concurrent', prng);
      await store.close();
    };
    const overtakings = await answerInAnyOrder(executor, live(), prng);
    if (overtakings === 0) throw new Error('no flush was answered before an older one');
    return { history: store.history, trace: memory.trace, options };
  },
};

/** Each begins a manifest. */
const OPENS = 2;

/** Levels and tables as small as they come, a manifest that is soon too long: merges, moves, roll-overs, at every turn. */
const compacted: Scenario = {
  name: 'compactions, moves and manifests that are rolled over',
  async record(memtable, seed) {
    const prng = new Prng(seed);
    const options: OpenOptions = { ...tinyStore(memtable), ...TINY_LEVELS };
    const memory = new MemoryStorage();
    const store = new RecordedStore(options, { memory, clock: new ManualClock() });
    await store.open();
    await writeRandomly(store, 60, 'awaited', prng);
    await store.flush();
    await store.close();
    await store.open();
    for (let part = 0; part < 4; part++) {
      await writeRandomly(store, 9, 'awaited', prng);
      // Edits state it as a bound: the manifest grows fast.
      await store.put(LONG_KEY, `${part}`);
      await store.flush();
    }
    // Nothing overlaps it: moved.
    await store.put('zzz', 'last');
    await store.flush();
    await store.store.compactRange();
    await writeRandomly(store, 15, 'blocking', prng);
    await store.close();
    const { levels } = await levelsOf(memory, options);
    if (levels.slice(1).every(({ tables }) => tables === 0)) throw new Error('nothing was compacted');
    const manifests = memory.trace.entries.filter(
      (entry) => entry.operation === 'create' && entry.file.startsWith('MANIFEST'),
    );
    if (manifests.length <= OPENS) throw new Error('no manifest was rolled over');
    return { history: store.history, trace: memory.trace, options };
  },
};

const FAILURES: readonly FaultRule[] = [
  { operation: 'write', type: 'journal', nth: 12, times: 1, effect: 'torn-write', errno: 'EIO' },
  { operation: 'write', type: 'journal', nth: 30, times: 1, effect: 'short-write', errno: 'ENOSPC' },
  { operation: 'sync', type: 'journal', nth: 6, times: 1, effect: 'lost-sync', errno: 'EIO' },
  { operation: 'sync', type: 'manifest', nth: 3, times: 1, effect: 'lost-sync', errno: 'EIO' },
];

/** Journals and manifests that fail, and heal. */
const healed: Scenario = {
  name: 'failures of journal and manifest that are healed',
  async record(memtable, seed) {
    const prng = new Prng(seed);
    const options = tinyStore(memtable);
    const memory = new MemoryStorage();
    const storage = new FaultStorage(memory);
    const clock = new ManualClock();
    const store = new RecordedStore(options, { memory, storage, clock });
    await store.open();
    for (const rule of FAILURES) {
      await writeRandomly(store, 10, 'awaited', prng);
      // The next synced write meets the failure, or some later operation does.
      const nth = prng.oneIn(2) ? 1 : 1 + prng.below(rule.nth);
      storage.install({ rules: [{ ...rule, nth }] });
      await untilSettled(store.put(randomKey(prng), randomValue(store, prng), true), clock);
      await untilSettled(writeRandomly(store, 30, 'awaited', prng), clock);
      await untilSettled(
        store.flush().catch(() => store.flush()),
        clock,
      );
    }
    await store.close();
    return { history: store.history, trace: memory.trace, options };
  },
};

export const SCENARIOS: readonly Scenario[] = [awaited, concurrent, blocking, parallel, healed, compacted];

/** What is in the levels of a store that is closed. The trace is not touched. */
async function levelsOf(memory: MemoryStorage, options: OpenOptions) {
  const copy = new MemoryStorage({ files: memory.snapshot() });
  const store = await open(copy.location, options, { storage: copy, clock: new ManualClock() });
  const { levels } = store.stats();
  await store.close();
  return { levels };
}

/** Waits for work that waits for retries: lets the time pass whenever the event loop has nothing else to do. */
async function untilSettled(work: Promise<void>, clock: ManualClock): Promise<void> {
  let settled = false;
  const ended = work.finally(() => {
    settled = true;
  });
  while (!settled) {
    await new Promise(setImmediate);
    if (clock.pendingTimers > 0) clock.advance(1000);
  }
  await ended;
}

/** Jumps now and then, so that journal writes seem slow and go through the pool for a while. */
function unsteadyClock(prng: Prng): Clock {
  const clock = new ManualClock();
  return {
    now: () => {
      if (prng.oneIn(60)) clock.advance(20);
      return clock.now();
    },
    after: (delayMs, callback) => clock.after(delayMs, callback),
    keepAlive: () => clock.keepAlive(),
  };
}
