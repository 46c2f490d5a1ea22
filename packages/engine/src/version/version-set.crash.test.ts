import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { runNow } from '@arena-level/common/base/steps';
import { CrashReplay, LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import type { FileDesc } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { Storage, WritableFile } from '@arena-level/common/storage/storage';
import { describe, expect, test } from 'vitest';
import type { VersionEdit } from '../manifest/version-edit.ts';
import { adding, internalKey, picture, table } from './table.test-support.ts';
import { VersionSet } from './version-set.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const NO_STORE = 'no store';

/** The committed state, as text. */
function stateOf(set: VersionSet): string {
  return JSON.stringify([picture(set.current.levels), set.lastSequence, set.logNumber]);
}

/** What a crash may leave from a moment on: the last acknowledged state, or one that an attempt since then leads to. */
interface Era {
  readonly from: number;
  readonly states: readonly string[];
}

interface History {
  readonly memory: MemoryStorage;
  readonly eras: readonly Era[];
  readonly failures: number;
}

/** Commits in a store, with a new manifest every few of them, a reopening now and then, and failures if told so. */
function runHistory(
  prng: Prng,
  commits: number,
  wrap: (memory: MemoryStorage) => Storage,
  faults: boolean,
): History {
  const memory = new MemoryStorage();
  const storage = new FaultStorage(wrap(memory));
  const eras: Era[] = [{ from: 0, states: [NO_STORE] }];
  const enter = (...states: string[]): void => void eras.push({ from: memory.trace.entries.length, states });
  const empty = JSON.stringify([[], 0, 0]);
  enter(NO_STORE, empty);
  let set = runNow(VersionSet.create(storage, { maxManifestBytes: 300 }));
  enter(empty);
  let possible = [empty];
  let failures = 0;
  for (let i = 0; i < commits; i++) {
    if (set.isHealthy && prng.oneIn(6)) {
      set.closeNow();
      set = runNow(VersionSet.recover(storage, { maxManifestBytes: 300 }));
    }
    const edit = randomEdit(set, prng);
    if (faults && prng.oneIn(2)) storage.install({ rules: [randomFault(prng)] });
    const outcome = stateAfter(set, edit);
    possible = [...possible, outcome];
    enter(...possible);
    try {
      runNow(set.commit(edit));
      possible = [outcome];
      enter(...possible);
    } catch (error) {
      if (!hasCode(error, ErrorCode.IoError)) throw error;
      failures++;
    }
    storage.install({ rules: [] });
  }
  return { memory, eras, failures };
}

function randomEdit(set: VersionSet, prng: Prng): VersionEdit {
  const number = set.newFileNumber();
  const added = adding({ 0: [table(number, 'a', 'm'.repeat(1 + prng.below(60)))] });
  const victim = set.current.levels[0]!.at(-1);
  const deletedTables = victim !== undefined && prng.oneIn(2) ? [{ level: 0, number: victim.number }] : [];
  const compactPointers = prng.oneIn(4) ? [{ level: 2, key: internalKey('p') }] : [];
  return { ...added, deletedTables, compactPointers, lastSequence: set.lastSequence + 1, logNumber: number };
}

function randomFault(prng: Prng): Parameters<FaultStorage['install']>[0]['rules'][number] {
  const operations = ['write', 'sync', 'create', 'rename', 'sync-directory', 'remove'] as const;
  const operation = operations[prng.below(operations.length)]!;
  const effect = operation === 'write' && prng.oneIn(2) ? 'short-write' : 'error';
  return { operation, nth: 1 + prng.below(2), times: 1 + prng.below(2), effect, errno: 'EIO' };
}

/** What the state will be, told by a store in memory that has the same state before. */
function stateAfter(set: VersionSet, edit: VersionEdit): string {
  const twin = new VersionSet(new MemoryStorage(), { ...set.recovered, ...pick(set) }, undefined, {});
  runNow(twin.commit(edit));
  return stateOf(twin);
}

function pick({ current, lastSequence, logNumber, nextFileNumber }: VersionSet) {
  return { levels: current.levels, lastSequence, logNumber, nextFileNumber };
}

/** Crashes everywhere; every bad state in words. */
function badStates({ memory, eras }: History, prng: Prng, tries: number): { bad: string[]; checked: number } {
  const bad: string[] = [];
  let checked = 0;
  const replay = new CrashReplay(memory.trace);
  for (let length = 0; length <= memory.trace.entries.length; length++) {
    replay.advanceTo(length);
    const reached = eras.filter(({ from }) => from <= length);
    // At the moment an era begins nothing has happened in it yet, but what the one before allows still holds.
    const { states } = reached.at(-1)!;
    for (const [name, loss] of Object.entries(LOSS_MODELS)) {
      for (let i = 0; i < tries; i++) {
        const storage = new MemoryStorage({ files: replay.crash(loss, prng) });
        checked++;
        const found = recoverState(storage);
        if (!states.includes(found)) bad.push(`${name} at ${length}: ${found}`);
      }
    }
  }
  return { bad, checked };
}

/** Recovers, and goes on: a store that is there takes another commit, one that is not can be created. */
function recoverState(storage: MemoryStorage): string {
  try {
    const set = runNow(VersionSet.recover(storage));
    const found = stateOf(set);
    runNow(set.commit({ lastSequence: set.lastSequence + 1000 }));
    const again = runNow(VersionSet.recover(storage));
    return again.lastSequence === set.lastSequence ? found : `${found}, and the next commit is lost`;
  } catch (error) {
    if (!hasCode(error, ErrorCode.StoreMissing)) return String(error);
    runNow(VersionSet.create(storage));
    return NO_STORE;
  }
}

describe('VersionSet after a crash', () => {
  test(`holds what was committed, whole, wherever the crash comes (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const { bad, checked } = badStates(
      runHistory(prng, 40, (memory) => memory, false),
      prng,
      2,
    );
    expect(bad).toEqual([]);
    expect(checked).toBeGreaterThan(1500);
  });

  test(`holds what was committed, with failures before the crash, too (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    let failures = 0;
    for (let round = 0; round < 6; round++) {
      const history = runHistory(prng, 25, (memory) => memory, true);
      failures += history.failures;
      expect(badStates(history, prng, 1).bad, `round ${round}`).toEqual([]);
    }
    expect(failures).toBeGreaterThan(15);
  });

  test.each([
    { id: 'of the manifest', skips: (file: FileDesc | undefined) => file?.type === 'manifest' },
    { id: 'of the next CURRENT', skips: (file: FileDesc | undefined) => file?.type === 'temp' },
    { id: 'of the directory before the switch', skips: everyOther(0) },
    { id: 'of the directory after the switch', skips: everyOther(1) },
  ])(`would not, without the sync $id (seed ${SEED})`, ({ skips }) => {
    const prng = new Prng(SEED);
    const { bad } = badStates(
      runHistory(prng, 25, (memory) => new UnsyncedStorage(memory, skips), false),
      prng,
      2,
    );
    expect(bad).not.toEqual([]);
  });
});

/** Of the directory syncs, each second one: they come in pairs, before and after a switch. */
function everyOther(which: number): (file: FileDesc | undefined) => boolean {
  let count = 0;
  return (file) => file === undefined && count++ % 2 === which;
}

/** Leaves out syncs; a directory's has no file. */
class UnsyncedStorage implements Storage {
  readonly location = 'without syncs';
  readonly spec = undefined;
  readonly #inner: MemoryStorage;
  readonly #skips: (file: FileDesc | undefined) => boolean;

  constructor(inner: MemoryStorage, skips: (file: FileDesc | undefined) => boolean) {
    this.#inner = inner;
    this.#skips = skips;
  }

  createNow(file: FileDesc): WritableFile {
    const inner = this.#inner.createNow(file);
    if (!this.#skips(file)) return inner;
    return {
      file,
      writeNow: (...args) => inner.writeNow(...args),
      write: (...args) => inner.write(...args),
      syncNow: () => {},
      sync: async () => {},
      truncateNow: (size) => inner.truncateNow(size),
      closeNow: () => inner.closeNow(),
    };
  }

  syncDirectoryNow(): void {
    if (!this.#skips(undefined)) this.#inner.syncDirectoryNow();
  }

  async syncDirectory(): Promise<void> {
    this.syncDirectoryNow();
  }

  listNow = (): FileDesc[] => this.#inner.listNow();
  sizeNow = (file: FileDesc): number | undefined => this.#inner.sizeNow(file);
  openWriteNow = (file: FileDesc): WritableFile => this.#inner.openWriteNow(file);
  openReadNow: Storage['openReadNow'] = (file) => this.#inner.openReadNow(file);
  openRead: Storage['openRead'] = (file) => this.#inner.openRead(file);
  readAllNow: Storage['readAllNow'] = (file, limitBytes) => this.#inner.readAllNow(file, limitBytes);
  renameNow = (from: FileDesc, to: FileDesc): void => this.#inner.renameNow(from, to);
  linkTable: Storage['linkTable'] = (source, file) => this.#inner.linkTable(source, file);
  removeNow = (file: FileDesc): void => this.#inner.removeNow(file);
  remove = (file: FileDesc): Promise<void> => this.#inner.remove(file);
  quarantineNow = (file: FileDesc): string => this.#inner.quarantineNow(file);
  emptyLostNow = (): string[] => this.#inner.emptyLostNow();
  closeNow(): void {}
}
