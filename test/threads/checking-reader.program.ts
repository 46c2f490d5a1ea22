/** A thread that reads registers in every way there is and checks what it gets. Started by `checked-run.ts`. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Prng } from '@arena-level/common/base/prng';
import { attach, type Snapshot, type StoreIterator } from 'arena-level/engine';
import { bytes, text } from '../support/text-bytes.ts';
import type { ReaderReport, ReaderTask } from './checked-run.ts';
import { type Expectation, REGISTERS, RegisterHistory } from './register-history.ts';
import {
  FIRST_GROUP,
  GROUPS,
  hotRegister,
  isGroup,
  keysOf,
  rangeOf,
  writeOf,
  writeOfGroup,
} from './register-keys.ts';

const MAX_PROBLEMS = 20;

interface HeldSnapshot {
  readonly snapshot: Snapshot;
  readonly expectations: readonly Expectation[];
  /** What it showed before; a second read shows the same. */
  readonly shown: Map<number, number | undefined>;
}

interface HeldIterator {
  readonly iterator: StoreIterator;
  readonly expectation: Expectation;
  readonly values: (Uint8Array | undefined)[];
}

const { handle, seed, isHot, history: shared, stop } = workerData as ReaderTask;
const store = attach(handle, { maxOpenFiles: 8, cacheSize: 100_000 });
const history = new RegisterHistory(shared);
const stopWord = new Int32Array(stop);
const prng = new Prng(seed);
const problems: string[] = [];
const report: { -readonly [K in keyof ReaderReport]: ReaderReport[K] } = { reads: 0, problems };
const held: { snapshot: HeldSnapshot | undefined; iterator: HeldIterator | undefined } = {
  snapshot: undefined,
  iterator: undefined,
};

function note(problem: string | undefined): void {
  if (problem !== undefined) problems.push(problem);
}

function readKeyNow(): void {
  const register = prng.below(FIRST_GROUP);
  const key = keysOf(register)[0]!;
  const expectation = history.expect(register);
  const value = store.getSync(bytes(key));
  note(history.check(expectation, value === undefined ? undefined : writeOf(key, value)));
}

/** A key of a register that is written all the time. */
function readHotKey(): void {
  const register = hotRegister(prng);
  const keys = HOT_KEYS[register]!;
  const { key, name } = keys[prng.below(keys.length)]!;
  const expectation = history.expect(register);
  const value = store.getSync(key);
  note(history.check(expectation, value === undefined ? undefined : writeOf(name, value)));
}

async function readKey(): Promise<void> {
  const register = prng.below(FIRST_GROUP);
  const key = keysOf(register)[0]!;
  const expectation = history.expect(register);
  const value = await store.get(bytes(key));
  note(history.check(expectation, value === undefined ? undefined : writeOf(key, value)));
}

async function readGroup(): Promise<void> {
  const register = GROUPS[prng.below(GROUPS.length)]!;
  const expectation = history.expect(register);
  const values = await store.getMany(keysOf(register).map(bytes));
  note(history.check(expectation, writeOfGroup(register, values)));
}

function scanGroupNow(): void {
  const register = GROUPS[prng.below(GROUPS.length)]!;
  const reverse = prng.oneIn(2);
  const expectation = history.expect(register);
  const entries = [...store.iterator({ ...rangeOf(register), reverse })];
  if (reverse) entries.reverse();
  note(history.check(expectation, writeOfEntries(register, entries)));
}

function writeOfEntries(
  register: number,
  entries: readonly (readonly [Uint8Array, Uint8Array])[],
): number | undefined {
  if (entries.length === 0) return undefined;
  const keys = entries.map(([key]) => text(key)).join();
  if (keys !== keysOf(register).join()) throw new Error(`group ${register} has the keys ${keys}`);
  return writeOfGroup(
    register,
    entries.map(([, value]) => value),
  );
}

/** Begins a scan that goes on while the store changes. */
function beginScan(): void {
  const register = GROUPS[prng.below(GROUPS.length)]!;
  held.iterator?.iterator.close();
  const expectation = history.expect(register);
  const iterator = store.iterator({ ...rangeOf(register), highWaterMarkBytes: 1 });
  held.iterator = { iterator, expectation, values: [] };
}

function scanOn(): void {
  const scan = held.iterator;
  if (scan === undefined) return;
  const [entry] = scan.iterator.nextvSync(1);
  const { register } = scan.expectation;
  if (entry !== undefined) {
    const key = keysOf(register)[scan.values.length];
    if (text(entry[0]) !== key)
      throw new Error(`group ${register} goes on with ${text(entry[0])}, not ${key}`);
    scan.values.push(entry[1]);
    return;
  }
  note(history.check(scan.expectation, writeOfGroup(register, scan.values), false));
  scan.iterator.close();
  held.iterator = undefined;
}

function takeSnapshot(): void {
  held.snapshot?.snapshot.close();
  const expectations = Array.from({ length: REGISTERS }, (_, register) => history.expect(register));
  held.snapshot = { snapshot: store.snapshot(), expectations, shown: new Map() };
}

async function readSnapshot(): Promise<void> {
  if (held.snapshot === undefined) return;
  const { snapshot, expectations, shown } = held.snapshot;
  const register = prng.below(REGISTERS);
  const keys = keysOf(register);
  let write: number | undefined;
  if (isGroup(register) && prng.oneIn(2)) {
    write = writeOfEntries(register, [...store.iterator({ ...rangeOf(register), snapshot })]);
  } else if (isGroup(register)) {
    write = writeOfGroup(register, await store.getMany(keys.map(bytes), { snapshot }));
  } else {
    const value = store.getSync(bytes(keys[0]!), { snapshot });
    write = value === undefined ? undefined : writeOf(keys[0]!, value);
  }
  note(history.check(expectations[register]!, write, false));
  if (shown.has(register) && shown.get(register) !== write) {
    problems.push(`a snapshot showed write ${shown.get(register)} of ${register}, and then ${write}`);
  }
  shown.set(register, write);
}

/** Keys by register, as bytes: to read is to be all that a hot loop does. */
const HOT_KEYS = Array.from({ length: REGISTERS }, (_, register) =>
  keysOf(register).map((name) => ({ name, key: bytes(name) })),
);

function hotSteps(): void {
  report.reads += 100;
  for (let i = 0; i < 100; i++) readHotKey();
}

async function step(): Promise<void> {
  const dice = prng.below(100);
  report.reads++;
  if (dice < 50) readKeyNow();
  else if (dice < 58) await readKey();
  else if (dice < 68) await readGroup();
  else if (dice < 74) scanGroupNow();
  else if (dice < 76) beginScan();
  else if (dice < 84) scanOn();
  else if (dice < 86) takeSnapshot();
  else if (dice < 99) await readSnapshot();
  else await nextTurn();
}

try {
  while (Atomics.load(stopWord, 0) === 0 && problems.length < MAX_PROBLEMS) {
    if (isHot) hotSteps();
    else await step();
  }
} catch (error) {
  problems.push((error as Error).stack ?? String(error));
}
held.snapshot?.snapshot.close();
held.iterator?.iterator.close();
await store.close();
parentPort!.postMessage(report satisfies ReaderReport);
