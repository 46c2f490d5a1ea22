/**
 * The fault loop of SQLite and Pebble: a fixed workload, in which the n-th operation of a kind fails, for n = 1, 2,
 * 3, … until a run passes in which nothing failed.
 */
import { Prng } from '@arena-level/common/base/prng';
import { LOSS_MODELS, type LossName } from '@arena-level/common/storage/crash-replay';
import type { FaultRule, StorageOperation } from '@arena-level/common/storage/fault-plan';
import { FileType } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { OpenOptions } from 'arena-level/engine';
import { TINY_LEVELS } from '../crash/scenarios.ts';
import { compactThroughFaults, liveThroughFaults } from './fault-workload.ts';
import { FaultyStore, TINY_STORE } from './faulty-store.ts';

/** What fails, how, and how often in a row. */
export type FaultKind = Omit<FaultRule, 'nth'>;

export interface FaultCaseResult {
  /** False: the workload has fewer than n such operations. */
  readonly fired: boolean;
  /** Whether any caller was told of a failure. */
  readonly heard: boolean;
  readonly problems: readonly string[];
}

type Effect = Pick<FaultRule, 'effect' | 'errno'>;

/** Two that pass by themselves, two that do not. */
const ERRORS: readonly Effect[] = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES'].map((errno) => ({
  effect: 'error',
  errno,
}));
/** What else can become of an operation. */
const PARTIAL: Readonly<Partial<Record<StorageOperation, readonly Effect[]>>> = {
  write: [
    { effect: 'short-write', errno: 'ENOSPC' },
    { effect: 'torn-write', errno: 'ENOSPC' },
    { effect: 'torn-write', errno: 'EIO' },
  ],
  sync: [{ effect: 'lost-sync', errno: 'EIO' }],
};
const OPERATIONS: readonly StorageOperation[] = [
  'size',
  'create',
  'open-write',
  'open-read',
  'read',
  'write',
  'sync',
  'truncate',
  'rename',
  'remove',
  'quarantine',
];
const UNTYPED: readonly StorageOperation[] = ['list', 'sync-directory'];

/** All faults there are, each once and for good: operation × type of file × effect × errno. */
export function faultKinds(): FaultKind[] {
  const kinds: FaultKind[] = [];
  const add = (operation: StorageOperation, type: FileType | undefined): void => {
    for (const { effect, errno } of [...ERRORS, ...(PARTIAL[operation] ?? [])]) {
      for (const times of [1, Number.POSITIVE_INFINITY]) {
        kinds.push({ operation, times, effect, errno, ...(type === undefined ? {} : { type }) });
      }
    }
  };
  for (const operation of UNTYPED) add(operation, undefined);
  for (const operation of OPERATIONS) for (const type of Object.values(FileType)) add(operation, type);
  return kinds;
}

export const nameOfFault = ({ operation, type, effect, errno, times }: FaultKind): string =>
  `${effect === 'error' ? '' : `${effect} in `}${operation} of ${type ?? 'the directory'} (${errno}, ${times === 1 ? 'once' : 'from then on'})`;

export interface FaultedLife {
  readonly options: OpenOptions;
  readonly live: (store: FaultyStore) => Promise<void>;
}

export const WRITING: FaultedLife = { options: TINY_STORE, live: liveThroughFaults };
export const COMPACTING: FaultedLife = {
  options: { ...TINY_STORE, ...TINY_LEVELS },
  live: compactThroughFaults,
};

/** Lives through one fault, lets it pass, and checks everything that is promised. */
export async function runFaultCase(
  kind: FaultKind,
  nth: number,
  prng: Prng,
  life: FaultedLife = WRITING,
): Promise<FaultCaseResult> {
  const store = new FaultyStore(life.options);
  const strays: unknown[] = [];
  const onStray = (error: unknown): void => void strays.push(error);
  process.on('unhandledRejection', onStray);
  try {
    store.install({ rules: [{ ...kind, nth }] });
    await life.live(store);
    const fired = store.storage.firedCount > 0;
    const heard = store.errors.length > 0;
    const crashAt = store.moment;
    store.install({ rules: [] });
    await checkRecovered(store);
    if (fired) await checkCrashes(store, crashAt, prng);
    await new Promise(setImmediate);
    for (const stray of strays) store.problems.push(`an unhandled rejection: ${(stray as Error).stack}`);
    return { fired, heard, problems: store.problems };
  } catch (error) {
    return { fired: true, heard: true, problems: [...store.problems, (error as Error).message] };
  } finally {
    process.off('unhandledRejection', onStray);
  }
}

/** The fault has passed: the store takes writes again, by itself or when asked, and everything is there. */
async function checkRecovered(store: FaultyStore): Promise<void> {
  const problem = (what: string): void => void store.problems.push(`after the fault has passed, ${what}`);
  if (store.store === undefined && !(await store.open())) return problem('the open fails');
  if (!(await store.write([], true)) && !(await store.resume())) return problem('the store does not resume');
  if (!(await store.write([], true))) return problem('the store takes no writes');
  if (!store.writeSync([], true)) return problem('the store takes no blocking writes');
  if (!(await store.flush())) return problem('the flush fails');
  store.checkLive();
  if (!(await store.close())) return problem('the close fails');
  if (!(await store.open())) return problem('the reopen fails');
  const { tear, damage } = store.store!.recovery;
  if (tear !== undefined || damage.length > 0) problem('the reopen finds a tear or damage');
  store.checkLive();
  await store.close();
}

/** A crash at the end of the workload, and at another moment of it: what was promised by then is found. */
async function checkCrashes(store: FaultyStore, end: number, prng: Prng): Promise<void> {
  const { trace } = store.memory;
  for (const moment of [end, prng.below(end + 1)]) {
    const alive = MemoryStorage.resume(trace, moment);
    await store.checkCopy(`the process died at ${moment}`, alive, 'process', moment);
    const loss: LossName = prng.oneIn(2) ? 'dropped' : 'linux';
    const copy = MemoryStorage.replay(trace, moment, LOSS_MODELS[loss], prng);
    await store.checkCopy(`the machine crashed at ${moment} (${loss})`, copy, 'machine', moment);
  }
}

export interface FaultLoopReport {
  runs: number;
  /** Runs in which no caller heard of the fault: it was in cleanup, or healed. */
  silent: number;
  readonly problems: string[];
}

export interface FaultLoopOptions {
  readonly seed: number;
  /** On average one run of so many is made. 1: all. */
  readonly oneIn: number;
  /** Stops after so many problems. Default 5. */
  readonly maxProblems?: number;
  readonly life?: FaultedLife;
}

/** The whole loop, or a sample of it. */
export async function runFaultLoop({
  seed,
  oneIn,
  maxProblems = 5,
  life = WRITING,
}: FaultLoopOptions): Promise<FaultLoopReport> {
  const prng = new Prng(seed);
  const report: FaultLoopReport = { runs: 0, silent: 0, problems: [] };
  for (const { kind, count } of await countedFaults(life)) {
    // One more than the workload has: that run passes untouched, unless the fault itself leads to more of them.
    for (let nth = 1, fired = true; fired; nth++) {
      if (!prng.oneIn(oneIn)) {
        fired = nth <= count;
        continue;
      }
      const result = await runFaultCase(kind, nth, prng, life);
      ({ fired } = result);
      report.runs++;
      if (fired && !result.heard) report.silent++;
      const where = `seed ${seed}, number ${nth} of ${nameOfFault(kind)}`;
      report.problems.push(...result.problems.map((problem) => `${where}: ${problem}`));
      if (report.problems.length >= maxProblems) return report;
    }
  }
  return report;
}

/** The faults that the workload can meet, with how many such operations it has when nothing fails. */
async function countedFaults(
  life: FaultedLife,
): Promise<{ readonly kind: FaultKind; readonly count: number }[]> {
  const store = new FaultyStore(life.options);
  await life.live(store);
  return faultKinds()
    .map((kind) => ({ kind, count: store.storage.countOf(kind.operation, kind.type) }))
    .filter(
      ({ count, kind }) => count > 0 || kind.operation === 'truncate' || kind.operation === 'quarantine',
    );
}
