/** Opens what a crash left, and checks it against what was promised. */
import type { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { type OpenOptions, open, type Store } from 'arena-level/engine';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes } from '../support/text-bytes.ts';
import { type CrashState, kindOf } from './crash-states.ts';
import { apply, type History } from './history.ts';
import { contentsText, readContents } from './store-contents.ts';

export class BrokenPromise extends Error {}

export interface CheckOptions {
  readonly store: OpenOptions;
  /** Write to the store, too, close it, open it again and verify its tables. */
  readonly thorough: boolean;
}

/** A state after it was opened. */
export interface CheckedState {
  /** How many operations are there. */
  readonly operations: number;
  /** Length of the storage's trace when the store was open. */
  readonly openedAt: number;
}

export interface Expected {
  readonly least: number;
  readonly most: number;
}

/** What a crash at this state's moment must and may leave. */
export function expectedOf(history: History, { position, loss }: CrashState): Expected {
  return { least: history.promisedAt(position, kindOf(loss)), most: history.issuedAt(position) };
}

/** Throws `BrokenPromise` unless the store in `storage` opens to a prefix of the writes within what is expected. */
export async function checkState(
  history: History,
  storage: MemoryStorage,
  expected: Expected,
  options: CheckOptions,
): Promise<CheckedState> {
  const store = await openChecked(storage, options.store);
  const openedAt = storage.trace.entries.length;
  const operations = recoveredOperations(history, store, expected.most);
  if (operations < expected.least || operations > expected.most) {
    const { least, most } = expected;
    throw new BrokenPromise(`${operations} operations are there, of ${least} promised and ${most} issued`);
  }
  if (options.thorough) await checkUsable(storage, store, history.contentsAfter(operations), options.store);
  else await store.close();
  return { operations, openedAt };
}

async function openChecked(storage: MemoryStorage, options: OpenOptions): Promise<Store> {
  const store = await open(storage.location, options, { storage, clock: new ManualClock() });
  const { damage } = store.recovery;
  if (damage.length > 0) throw new BrokenPromise(`the open reports damage: ${JSON.stringify(damage)}`);
  return store;
}

/** The contents are those after this many operations. */
function recoveredOperations(history: History, store: Store, most: number): number {
  const contents = contentsText(readContents(store));
  const operations = history.isCountable
    ? history.lengthOfEntries(store.stats().lastSequence)
    : history.lengthOf(contents, most);
  if (operations === undefined || history.contentsAfter(operations) !== contents) {
    const { lastSequence } = store.stats();
    throw new BrokenPromise(
      `the contents, up to sequence number ${lastSequence}, are no prefix of the writes:\n${contents}`,
    );
  }
  return operations;
}

const NEW_CHANGES = [
  { key: 'after-1', value: 'put' },
  { key: 'after-2', value: 'batch' },
  { key: 'k00', value: undefined },
  { key: 'after-1', value: 'put again' },
] as const;

/** Writes, flushes, closes and opens again; everything must be there, and nothing left lying around. */
async function checkUsable(
  storage: MemoryStorage,
  store: Store,
  before: string,
  options: OpenOptions,
): Promise<void> {
  const contents = new Map(before.split('\n').filter(Boolean).map(splitLine));
  const [first, ...others] = NEW_CHANGES;
  await store.put(bytes(first.key), bytes(first.value));
  await store.flush();
  await store.batch(
    others.map(({ key, value }) =>
      value === undefined
        ? { type: 'del', key: bytes(key) }
        : { type: 'put', key: bytes(key), value: bytes(value) },
    ),
    { sync: true },
  );
  for (const change of NEW_CHANGES) apply(contents, change);
  await store.close();
  const again = await openChecked(storage, options);
  if (contentsText(readContents(again)) !== contentsText(contents)) {
    throw new BrokenPromise('what was written after the recovery is not what is found by the next open');
  }
  checkFiles(storage, again);
  const { differing } = await again.verify();
  if (differing.length > 0) throw new BrokenPromise(`tables differ: ${JSON.stringify(differing)}`);
  await again.close();
}

function splitLine(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

/** A store that was opened holds what it needs and no more. */
function checkFiles(storage: MemoryStorage, store: Store): void {
  const names = storage.fileNames().filter((name) => !name.startsWith('lost/'));
  const count = (pattern: RegExp): number => names.filter((name) => pattern.test(name)).length;
  const tables = store.stats().levels.reduce((sum, level) => sum + level.tables, 0);
  const isTidy =
    count(/^CURRENT$/) === 1 &&
    count(/^MANIFEST-\d+$/) === 1 &&
    count(/^\d+\.log$/) === 1 &&
    count(/^\d+\.ldb$/) === tables &&
    count(/./) - count(/^arena\.roots$/) === tables + 3;
  if (!isTidy) throw new BrokenPromise(`files are left over, for ${tables} tables: ${names.join(' ')}`);
}
