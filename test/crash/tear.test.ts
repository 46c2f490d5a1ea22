import { journalFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { type OpenOptions, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const OPTIONS: OpenOptions = { flush: 'inline', writeBufferSize: 4096 };
const VALUE = bytes('v'.repeat(300));
const ENTRIES = 30;
const ENTRIES_PER_JOURNAL = 13;

/** A store that died with two frozen memtables and an active one, each in its journal: 2, 3 and 4. */
async function deadStore(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  const store = await open(storage.location, OPTIONS, { storage, clock: new ManualClock() });
  for (let i = 0; i < ENTRIES; i++) store.putSync(key(i), VALUE);
  const dead = MemoryStorage.resume(storage.trace, storage.trace.entries.length);
  await store.close();
  expect(dead.fileNames().filter((name) => name.endsWith('.log'))).toEqual(
    [2, 3, 4].map((number) => `00000${number}.log`),
  );
  return dead;
}

async function reopen(storage: MemoryStorage) {
  const store = await open(storage.location, OPTIONS, { storage, clock: new ManualClock() });
  const keys = [...store.iterator()].map(([found]) => text(found));
  const { tear, lost } = store.recovery;
  await store.close();
  return { keys, tear, lost };
}

const keysTo = (count: number): string[] => Array.from({ length: count }, (_, i) => text(key(i)));

describe('what a crash of the machine leaves of journals', () => {
  test('with a torn record: replay ends there; that journal and those behind it are moved to lost/, whole', async () => {
    const storage = await deadStore();
    storage.damage(journalFile(3), (contents) => contents.subarray(0, contents.length - 1));
    const before = storage.snapshot();
    const { keys, tear, lost } = await reopen(storage);
    expect(keys).toEqual(keysTo(2 * ENTRIES_PER_JOURNAL - 1));
    expect(tear).toMatchObject({ file: '000003.log' });
    expect([...lost].sort()).toEqual(['000003.log', '000004.log']);
    const after = storage.snapshot();
    for (const name of lost) expect(after.get(`lost/${name}`), name).toEqual(before.get(name));
    expect(await reopen(storage)).toEqual({ keys, tear: undefined, lost: [] });
  });

  test('with whole records lost: the next journal shows the gap, and replay ends before it', async () => {
    const storage = await deadStore();
    const size = storage.sizeNow(journalFile(3))!;
    const recordBytes = (size - 19) / ENTRIES_PER_JOURNAL;
    storage.damage(journalFile(3), (contents) => contents.subarray(0, size - recordBytes));
    const { keys, tear, lost } = await reopen(storage);
    expect(keys).toEqual(keysTo(2 * ENTRIES_PER_JOURNAL - 1));
    expect(tear).toMatchObject({ file: '000004.log', offset: 0 });
    expect(lost).toEqual(['000004.log']);
  });

  test('with one of them lost: the next journal shows the gap, and replay ends before it', async () => {
    const storage = await deadStore();
    storage.removeNow(journalFile(3));
    const { keys, lost } = await reopen(storage);
    expect(keys).toEqual(keysTo(ENTRIES_PER_JOURNAL));
    expect(lost).toEqual(['000004.log']);
  });

  test('with a torn record at the very end: that record is lost, and no other', async () => {
    const storage = await deadStore();
    storage.damage(journalFile(4), (contents) => contents.subarray(0, contents.length - 1));
    const { keys, tear, lost } = await reopen(storage);
    expect(keys).toEqual(keysTo(ENTRIES - 1));
    expect(tear).toMatchObject({ file: '000004.log' });
    expect(lost).toEqual(['000004.log']);
  });
});
