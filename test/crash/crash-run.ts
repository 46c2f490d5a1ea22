/** Goes over the states that crashes may leave of a recorded life, and checks each. */
import type { Prng } from '@arena-level/common/base/prng';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { type CheckedState, checkState, type Expected, expectedOf } from './check-state.ts';
import { type CrashState, crashStates } from './crash-states.ts';
import type { CrashKind } from './history.ts';
import type { Recording } from './scenarios.ts';

export interface CrashRunOptions {
  /** States drawn at each moment from each model of loss that is random. */
  readonly draws: number;
  /** On average one state of so many is checked. */
  readonly oneIn: number;
  /** Moments to crash at. Default: all. */
  readonly isWanted?: (position: number) => boolean;
  /** On average one state of so many is also written to, closed and opened again. */
  readonly thoroughOneIn: number;
  /** On average one state of so many is crashed again, at every moment of its recovery. */
  readonly crashAgainOneIn: number;
  /** Broken promises after which the run ends. */
  readonly maxProblems: number;
}

export interface CrashFindings {
  /** States that crashes left: of the store, and of recoveries. */
  states: number;
  statesInRecovery: number;
  /** What was found broken, with the moment and the model of loss. */
  readonly problems: string[];
}

export async function checkCrashes(
  recording: Recording,
  options: CrashRunOptions,
  prng: Prng,
): Promise<CrashFindings> {
  const { history, trace } = recording;
  const findings: CrashFindings = { states: 0, statesInRecovery: 0, problems: [] };
  const mark = (position: number, kind: CrashKind): number => history.promisedAt(position, kind);
  for (const state of crashStates(trace, { ...options, mark }, prng)) {
    findings.states++;
    const storage = new MemoryStorage({ files: state.files });
    const expected = expectedOf(history, state);
    const checked = await check(recording, storage, expected, options, prng).catch((error: unknown) => {
      findings.problems.push(describe(state, error));
    });
    if (checked !== undefined && prng.oneIn(options.crashAgainOneIn)) {
      await crashRecovery(recording, state, checked, options, prng, findings);
    }
    if (findings.problems.length >= options.maxProblems) break;
  }
  return findings;
}

function check(
  { history, options }: Recording,
  storage: MemoryStorage,
  expected: Expected,
  { thoroughOneIn }: CrashRunOptions,
  prng: Prng,
): Promise<CheckedState> {
  return checkState(history, storage, expected, { store: options, thorough: prng.oneIn(thoroughOneIn) });
}

/**
 * Crashes the recovery of a state at each of its moments. Whatever is left then must open to the same contents,
 * unless the first crash was that of a process: then what it had not synced may be lost by the second, up to the
 * moment at which the store was open.
 */
async function crashRecovery(
  recording: Recording,
  first: CrashState,
  { operations }: CheckedState,
  options: CrashRunOptions,
  prng: Prng,
  findings: CrashFindings,
): Promise<void> {
  const { history, trace } = recording;
  const isLive = first.loss === 'process';
  const storage = isLive
    ? MemoryStorage.resume(trace, first.position)
    : new MemoryStorage({ files: first.files });
  const from = storage.trace.entries.length;
  const { openedAt } = await checkState(
    history,
    storage,
    { least: operations, most: operations },
    { store: recording.options, thorough: false },
  );
  const recovery = { initial: storage.trace.initial, entries: storage.trace.entries.slice(0, openedAt) };
  const promisedAt = (position: number, kind: CrashKind): number =>
    isLive && position < openedAt ? history.promisedAt(first.position, kind) : operations;
  const again = {
    draws: options.draws,
    oneIn: 1,
    isWanted: (position: number) => position >= from,
    mark: promisedAt,
  };
  for (const second of crashStates(recovery, again, prng)) {
    findings.statesInRecovery++;
    const expected = {
      least: promisedAt(second.position, second.loss === 'process' ? 'process' : 'machine'),
      most: operations,
    };
    try {
      await check(recording, new MemoryStorage({ files: second.files }), expected, options, prng);
    } catch (error) {
      findings.problems.push(`${describe(first, 'opened')}; ${describe(second, error)}`);
      if (findings.problems.length >= options.maxProblems) return;
    }
  }
}

function describe({ position, loss }: CrashState, outcome: unknown): string {
  return `crash after ${position} file operations, model ${loss}: ${String(outcome)}`;
}
