/** `clear` while files fail, while the store is closed, and beside compactions that cannot be put off. */

import type { Prng } from '@arena-level/common/base/prng';
import { LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import type { FaultRule } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { WritableFile } from '@arena-level/common/storage/storage';
import { systemError } from '@arena-level/common/storage/system-error';
import { ErrorCode, type OpenOptions, type Snapshot } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { CompactingStore } from '../compaction/compacting-store.ts';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { failEach, faultsMet } from '../faults/every-fault.ts';
import type { FaultKind } from '../faults/fault-loop.ts';
import { FaultyStore } from '../faults/faulty-store.ts';
import { eventually, settle } from '../support/eventually.ts';
import { HeldSchedule } from '../support/held-schedule.ts';
import { openHeld, reopen } from '../support/held-store.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const OPTIONS: OpenOptions = {
  flush: 'inline',
  compression: 'none',
  writeBufferSize: 4096,
  blockSize: 512,
  maxFileSize: 4096,
  autoCompaction: false,
};
const KEYS = 120;
const RANGE = { gte: key(30), lt: key(90) };
const isInRange = (name: string): boolean => name >= text(key(30)) && name < text(key(90));

/** Tables of two levels and a memtable, each with keys inside and outside of the range. */
async function filled(): Promise<{ faulty: FaultyStore; before: Map<string, string> }> {
  const faulty = new FaultyStore(OPTIONS);
  await faulty.open();
  const store = faulty.store!;
  const before = new Map<string, string>();
  const put = async (n: number, value: string): Promise<void> => {
    await store.put(key(n), bytes(value));
    before.set(text(key(n)), value);
  };
  for (let n = 0; n < KEYS; n++) await put(n, `first ${n}`.padEnd(200, '.'));
  await store.compactRange();
  for (let n = 0; n < KEYS; n += 9) await put(n, `second ${n}`);
  await store.flush();
  for (let n = 1; n < KEYS; n += 9) await put(n, `third ${n}`);
  return { faulty, before };
}

/** Outside of the range everything is as it was; inside, keys are as they were or gone, or all gone. */
function problemOf(
  contents: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string>,
  isCleared: boolean,
) {
  for (const [name, value] of before) {
    const found = contents.get(name);
    if (isInRange(name) ? found !== undefined && (isCleared || found !== value) : found !== value) {
      return `${name} is ${found}`;
    }
  }
  return contents.size > before.size ? 'something came back' : undefined;
}

/** What goes against the promises of `clear` when a fault meets it. */
async function runCase(rule: FaultRule, prng: Prng): Promise<{ fired: boolean; problems: string[] }> {
  const { faulty, before } = await filled();
  const { problems } = faulty;
  const check = (what: string, contents: ReadonlyMap<string, string>, isCleared: boolean): void => {
    const problem = problemOf(contents, before, isCleared);
    if (problem !== undefined) problems.push(`${what}: ${problem}`);
  };
  const checkCopy = async (what: string, copy: MemoryStorage, isCleared: boolean): Promise<void> => {
    const store = await reopen(copy, OPTIONS);
    check(what, readContents(store), isCleared);
    await store.close();
  };
  faulty.install({ rules: [rule] });
  const store = faulty.store!;
  const first = await faulty.settle('clear', () => store.clear(RANGE));
  const isCleared = 'value' in first;
  const fired = faulty.storage.firedCount > 0;
  faulty.install({ rules: [] });
  // What readers see now does not change any more.
  const seen = readContents(store);
  check('behind it', seen, isCleared);
  await checkCopy('a copy behind it', MemoryStorage.resume(faulty.memory.trace, faulty.moment), isCleared);

  await faulty.settle('resume', () => store.resume());
  if (rule.nth % 2 === 0) {
    await store.put(bytes('zzz'), bytes('another commit'));
    await store.flush();
    await store.del(bytes('zzz'));
  }
  if (contentsText(readContents(store)) !== contentsText(seen)) problems.push('readers see something else');
  const again = await faulty.settle('clear again', () => store.clear(RANGE, { sync: true }));
  if (!('value' in again)) problems.push('a repeated clear fails');
  check('when repeated', readContents(store), true);
  const { trace } = faulty.memory;
  await checkCopy(
    'after a crash',
    MemoryStorage.replay(trace, trace.entries.length, LOSS_MODELS.dropped, prng),
    true,
  );
  await faulty.close();
  await checkCopy('reopened', faulty.memory, true);
  return { fired, problems };
}

/** The faults that `clear` can meet here, each once. */
async function possibleFaults(): Promise<FaultKind[]> {
  const { faulty } = await filled();
  const met = await faultsMet(faulty, 'EIO', () => faulty.store!.clear(RANGE));
  await faulty.close();
  return met;
}

const manifestFails = (operation: 'write' | 'sync'): FaultRule => ({
  operation,
  type: 'manifest',
  nth: 1,
  times: 1,
  effect: 'error',
  errno: 'EIO',
});

describe('a clear whose files fail', () => {
  test('keeps its promises, whichever operation it is', async () => {
    const cases = await failEach(await possibleFaults(), runCase);
    expect(cases).toBeGreaterThan(20);
  });

  test.each(['write', 'sync'] as const)(
    'at the %s of its edit is told that a reopen may differ; readers and snapshots go on without the tables',
    async (operation) => {
      const { faulty, before } = await filled();
      const store = faulty.store!;
      const files = (): string[] => faulty.memory.fileNames().filter((name) => name.endsWith('.ldb'));
      const tables = files();
      faulty.install({ rules: [manifestFails(operation)] });
      let snapshot: Snapshot | undefined;
      const outcome = await faulty.settle('clear', async () => {
        const cleared = store.clear(RANGE);
        cleared.catch(() => {});
        for (let turn = 0; snapshot === undefined; turn++) {
          await (turn % 50 === 49 ? new Promise(setImmediate) : undefined);
          // Of a table that is dropped: readers have changed, and the edit is on its way.
          if (!store.hasSync(key(50))) snapshot = store.snapshot();
        }
        await cleared;
      });
      expect(outcome).toMatchObject({ error: { code: ErrorCode.WriteOutcomeUnknown } });
      const seen = contentsText(readContents(store));
      expect(readContents(store).size).toBeLessThan(before.size - 50);
      // A crash may find them in force.
      expect(files()).toEqual(expect.arrayContaining(tables));

      await store.put(bytes('zzz'), bytes('a commit that heals'));
      await store.flush();
      await store.del(bytes('zzz'));
      expect(contentsText(readContents(store))).toBe(seen);
      expect([...store.iterator({ snapshot: snapshot! })]).toHaveLength(readContents(store).size);
      snapshot!.close();
      expect(files().filter((name) => tables.includes(name)).length).toBeLessThan(tables.length);
      await store.clear(RANGE);
      await faulty.close();
      const again = await reopen(faulty.memory, OPTIONS);
      expect(problemOf(readContents(again), before, true)).toBeUndefined();
      expect((await again.verify()).differing).toEqual([]);
      await again.close();
    },
  );

  test('is refused, or done, when the store is closed in the middle; each key is as it was or gone', async () => {
    const outcomes = new Set<string>();
    for (let turns = 0; turns < 30; turns++) {
      const { faulty, before } = await filled();
      const store = faulty.store!;
      const cleared = store.clear(RANGE).then(
        () => 'done',
        ({ code }: { code: string }) => code,
      );
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      await faulty.close();
      const outcome = await cleared;
      outcomes.add(outcome);
      expect(['done', ErrorCode.DatabaseNotOpen]).toContain(outcome);
      const again = await reopen(faulty.memory, OPTIONS);
      expect(problemOf(readContents(again), before, outcome === 'done'), `${turns} turns`).toBeUndefined();
      await again.close();
    }
    expect([...outcomes].sort()).toEqual([ErrorCode.DatabaseNotOpen, 'done'].sort());
  });

  test('is refused as everything else is when the store is closed while it reads keys', async () => {
    const schedule = new HeldSchedule();
    schedule.holds = false;
    const memory = new MemoryStorage({ schedule: schedule.add });
    const before = await reopen(memory, OPTIONS);
    for (let n = 0; n < KEYS; n++) await before.put(key(n), bytes(`${n}`));
    await before.flush();
    await before.close();
    const store = await reopen(memory, OPTIONS);
    schedule.holds = true;
    const cleared = store.clear({ ...RANGE, limit: KEYS });
    await eventually(() => schedule.waiting > 0);
    // The close goes on, up to where it waits for what the clear reads.
    schedule.holds = false;
    const closed = store.close();
    await eventually(() => store.stats().iterators === 0);
    schedule.release();
    await expect(cleared).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await closed;
  });
});

test('a compaction that could not be put off does not bring back what is dropped meanwhile', async () => {
  const schedule = new HeldSchedule();
  schedule.holds = false;
  const store = await CompactingStore.open({ writeBufferSize: 4096 }, { memory: { schedule: schedule.add } });
  store.held.executor.holdsCompactions = false;
  for (let n = 0; n < 4; n++) await store.addTable();
  await eventually(() => store.tables[0] === 0);
  for (let n = 0; n < 3; n++) await store.addTable();
  store.held.executor.holdsCompactions = true;
  await store.put(500);
  // No sync comes to its end: the clear stands between its tombstones and its edit.
  schedule.holds = true;
  const cleared = store.store.clear();
  await settle();
  store.expected.clear();
  for (let n = 0; store.tables[0]! < 7 && n < 1000; n++) store.putSync(n % 20);
  const held = await store.compaction();
  expect(held.job.runs.length).toBeGreaterThan(3);
  held.merge();
  schedule.release();
  await cleared;
  expect(store.store.stats().clears.tables).toBeGreaterThan(3);
  held.finish((answer) => answer);
  store.held.executor.releaseCompactions();
  await store.store.settled();
  await settle();
  expect(store.count('compaction-failed')).toBe(0);
  store.expectTidy();
  store.expectContents();
  await store.expectContentsAfterReopen();
});

/** Has every write to a new manifest go through `write`, which is told how many manifests there have been. */
function throughManifests(memory: MemoryStorage, write: (manifest: number) => Promise<void>): void {
  const create = memory.createNow.bind(memory);
  let manifests = 0;
  memory.createNow = (desc) => {
    const file = create(desc);
    if (desc.type !== 'manifest') return file;
    const manifest = ++manifests;
    const writeLater: WritableFile['write'] = file.write.bind(file);
    file.write = async (...args) => {
      await write(manifest);
      return await writeLater(...args);
    };
    return file;
  };
}

test('an edit that is made up for while the store is closed is in force before that, or not made', async () => {
  let faults: FaultStorage | undefined;
  const { store, memory, executor, names } = await openHeld(
    {},
    {
      wrap: (inner) => {
        faults = new FaultStorage(inner);
        return faults;
      },
    },
  );
  executor.release();
  await store.put(key(1), bytes('v'));
  await store.flush();
  faults!.install({
    rules: [{ operation: 'sync', type: 'manifest', nth: 1, times: 1, effect: 'error', errno: 'ENOSPC' }],
  });
  await expect(store.clear()).rejects.toMatchObject({ code: ErrorCode.WriteOutcomeUnknown });

  // A flush is being committed, which fails, and behind it the repeated call waits for the commit lane.
  let fail: () => void = () => {};
  const failing = new Promise<void>((resolve) => {
    fail = resolve;
  });
  throughManifests(memory, async (manifest) => {
    if (manifest > 1) return await settle(50);
    await failing;
    throw systemError('ENOSPC', 'write');
  });
  await store.put(key(2), bytes('v'));
  const flushed = store.flush().catch(() => 'failed');
  await settle();
  const cleared = store.clear({ gte: key(5) }).catch((error: unknown) => error);
  await settle();
  const closed = store.close();
  await settle();
  fail();
  await closed;
  const files = memory.fileNames();
  expect(await flushed).toBe('failed');
  await cleared;
  await settle(100);
  expect(names().at(-1)).toBe('closed');
  expect(memory.fileNames()).toEqual(files);
  const again = await reopen(memory);
  expect([1, 2].map((n) => again.hasSync(key(n)))).toEqual([false, true]);
  await again.close();
});
