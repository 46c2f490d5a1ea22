import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { beforeEach, describe, expect, test } from 'vitest';
import { Durability } from './durability.ts';
import { LiveJournal } from './live-journal.ts';

const RECORD = new Uint8Array(100).fill(7);

let waiting: (() => void)[];
let memory: MemoryStorage;
let storage: FaultStorage;
let journals: LiveJournal[];
let failed: number[];
let durability: Durability;
beforeEach(() => {
  waiting = [];
  memory = new MemoryStorage({ schedule: (complete) => waiting.push(complete) });
  storage = new FaultStorage(memory);
  journals = [3, 5].map((number) => LiveJournal.createNow(storage, number, 1));
  failed = [];
  durability = new Durability(
    storage,
    () => journals,
    (journal) => failed.push(journal.number),
  );
});

const write = (journal: LiveJournal): void => journal.writer.appendNow(RECORD, 0, RECORD.length);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const syncs = (): string[] =>
  storage.events
    .filter(({ operation }) => operation.startsWith('sync'))
    .map((event) => ('file' in event ? `${event.operation} ${event.file}` : event.operation));

async function completeAll(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    for (const complete of waiting.splice(0)) complete();
    await turn();
  }
}

describe('a pass', () => {
  test('syncs names and bytes of all journals, oldest first, and nothing twice', async () => {
    const reached = durability.reach();
    await completeAll();
    await reached;
    expect(syncs()).toEqual(['sync-directory', 'sync 000003.log', 'sync-directory', 'sync 000005.log']);
    expect(journals.every(({ isDurable }) => isDurable)).toBe(true);
    await durability.reach();
    expect(syncs()).toHaveLength(4);
    expect(durability.syncs).toBe(2);

    write(journals[1]!);
    const again = durability.reach();
    await completeAll();
    await again;
    expect(syncs().slice(4)).toEqual(['sync 000005.log']);
  });

  test('begun before a write does not cover it; all that come during one share the next', async () => {
    const first = durability.reach();
    await turn();
    write(journals[0]!);
    const later = [durability.reach(), durability.reach(), durability.reach()];
    let reached = 0;
    for (const promise of later) promise.then(() => reached++);
    while (durability.syncs < 2) {
      waiting.shift()!();
      await turn();
    }
    expect(reached).toBe(0);
    await completeAll();
    await Promise.all([first, ...later]);
    expect(syncs().filter((line) => line === 'sync 000003.log')).toHaveLength(2);
    expect(durability.syncs).toBe(3);
  });

  test.each([0, 1, 2, 3])(
    'taken over by a blocking call behind %d steps ends there, in its order; late answers change nothing',
    async (steps) => {
      const reached = durability.reach();
      for (let i = 0; i < steps; i++) {
        waiting.shift()!();
        await turn();
      }
      write(journals.at(-1)!);
      durability.reachNow();
      expect(journals.every(({ isDurable }) => isDurable)).toBe(true);
      const bytesSynced = syncs().filter((line) => line.endsWith('.log'));
      expect(bytesSynced.indexOf('sync 000003.log')).toBeLessThan(bytesSynced.indexOf('sync 000005.log'));
      expect(bytesSynced.at(-1)).toBe('sync 000005.log');
      await completeAll();
      await reached;
      expect(journals.every(({ isDurable }) => isDurable)).toBe(true);
      expect(failed).toEqual([]);
    },
  );

  test('by a blocking call leaves nothing under way', () => {
    durability.reachNow();
    expect(waiting).toHaveLength(0);
    expect(durability.syncs).toBe(2);
  });
});

describe('a sync that fails', () => {
  const failNextSync = (): void =>
    storage.install({ rules: [{ operation: 'sync', nth: 1, times: 1, effect: 'error', errno: 'EIO' }] });

  test('fails the pass, marks the journal, and is never tried again; no younger journal is synced', async () => {
    failNextSync();
    const outcome = durability.reach().catch((error: unknown) => error);
    const during = turn().then(() => durability.reach().catch((error: unknown) => error));
    await completeAll();
    expect(await outcome).toMatchObject({ code: 'LEVEL_IO_ERROR' });
    expect(await during).toMatchObject({ code: 'LEVEL_IO_ERROR' });
    expect(failed).toEqual([3]);
    expect(journals[0]).toMatchObject({ syncFailed: true, durableBytes: 0 });
    expect(journals[0]!.failure).toBeDefined();
    expect(journals[1]!.durableBytes).toBe(0);
    const before = syncs().length;
    await expect(durability.reach()).rejects.toBe(journals[0]!.failure);
    expect(() => durability.reachNow()).toThrow(journals[0]!.failure as Error);
    expect(syncs()).toHaveLength(before);
  });

  test('does not matter for a journal that is not needed any more', async () => {
    failNextSync();
    const reached = durability.reach();
    // Its memtable is committed meanwhile.
    waiting.shift()!();
    journals = journals.slice(1);
    await completeAll();
    await reached;
    expect(failed).toEqual([]);
    expect(journals[0]!.isDurable).toBe(true);
  });

  test('of the directory counts as that of the journal whose name it was for', () => {
    storage.install({
      rules: [{ operation: 'sync-directory', nth: 2, times: 1, effect: 'error', errno: 'EIO' }],
    });
    expect(() => durability.reachNow()).toThrow(/EIO/);
    expect(failed).toEqual([5]);
    expect(journals[0]!.isDurable).toBe(true);
  });

  test('in a pass that a blocking call takes over is the failure of both', async () => {
    const reached = durability.reach().catch((error: unknown) => error);
    await turn();
    waiting.shift()!();
    await turn();
    failNextSync();
    expect(() => durability.reachNow()).toThrow(/EIO/);
    expect(await reached).toMatchObject({ code: 'LEVEL_IO_ERROR' });
    expect(failed).toEqual([3]);
    await completeAll();
  });
});
