import { describe, expect, test } from 'vitest';
import { errnoOf } from '../base/errors.ts';
import { CURRENT_FILE, journalFile, tableFile } from './file-desc.ts';
import { MemoryStorage } from './memory-storage.ts';
import { testStorage } from './storage-conformance.test-support.ts';
import { formatTrace } from './storage-trace.ts';

const JOURNAL = journalFile(3);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const contents = (storage: MemoryStorage): Record<string, string> =>
  Object.fromEntries([...storage.snapshot()].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]));

testStorage('MemoryStorage', () => new MemoryStorage());

describe('MemoryStorage', () => {
  test('writes its history down as text', async () => {
    const storage = new MemoryStorage();
    const file = storage.createNow(JOURNAL);
    file.writeNow(text('hello'), 0, 5, 0);
    await file.write(text('..world'), 2, 7, 5);
    await file.sync();
    file.truncateNow(3);
    storage.renameNow(JOURNAL, CURRENT_FILE);
    storage.syncDirectoryNow();
    storage.quarantineNow(CURRENT_FILE);
    await storage.syncDirectory();
    storage.removeNow(JOURNAL);
    storage.createNow(JOURNAL);
    storage.damage(JOURNAL, () => text('x'));
    await storage.remove(JOURNAL);
    expect(formatTrace(storage.trace.entries)).toBe(
      [
        'create 000003.log',
        'write 000003.log 0+5',
        'write 000003.log 5+5',
        'sync 000003.log',
        'truncate 000003.log 3',
        'rename 000003.log CURRENT',
        'sync-directory',
        'quarantine CURRENT lost/CURRENT',
        'sync-directory',
        'create 000003.log',
        'damage 000003.log',
        'remove 000003.log',
        '',
      ].join('\n'),
    );
    expect(contents(storage)).toEqual({ 'lost/CURRENT': 'hel' });
  });

  test('lets asynchronous operations take effect when the schedule completes them', async () => {
    const waiting: (() => void)[] = [];
    const storage = new MemoryStorage({ schedule: (complete) => waiting.push(complete) });
    const file = storage.createNow(JOURNAL);
    const write = file.write(text('hello'), 0, 5, 0);
    const sync = file.sync();
    expect(storage.sizeNow(JOURNAL)).toBe(0);
    waiting[0]!();
    expect(storage.sizeNow(JOURNAL)).toBe(5);
    expect(await write).toBe(5);
    waiting[1]!();
    await sync;
    // The sync was called before the write took effect, and so promises nothing about it.
    expect(storage.trace.entries.at(-1)).toMatchObject({ operation: 'sync', covers: 1 });
  });

  test('starts from given files and keeps them apart from the caller’s bytes', () => {
    const bytes = text('hello');
    const storage = new MemoryStorage({ files: new Map([['000003.log', bytes]]) });
    bytes.fill(0);
    expect(contents(storage)).toEqual({ '000003.log': 'hello' });
    storage.snapshot().get('000003.log')!.fill(0);
    storage.readAllNow(JOURNAL, 10).fill(0);
    expect(contents(storage)).toEqual({ '000003.log': 'hello' });
    expect(storage.trace.entries).toEqual([]);
  });

  test('damages files in place or replaces them', () => {
    const storage = new MemoryStorage({ files: new Map([['000003.log', text('hello')]]) });
    storage.damage(JOURNAL, (bytes) => {
      bytes[0]! ^= 0x20;
      return undefined;
    });
    expect(contents(storage)).toEqual({ '000003.log': 'Hello' });
    storage.damage(JOURNAL, (bytes) => bytes.subarray(0, 2));
    expect(contents(storage)).toEqual({ '000003.log': 'He' });
    expect(() => storage.damage(tableFile(1), () => undefined)).toThrow(/damaging 000001.ldb failed: ENOENT/);
  });

  test('finds tables under LevelDB’s older suffix', () => {
    const storage = new MemoryStorage({ files: new Map([['000004.sst', text('old')]]) });
    expect(storage.sizeNow(tableFile(4))).toBe(3);
    expect(storage.listNow()).toEqual([tableFile(4)]);
    storage.removeNow(tableFile(4));
    expect(storage.fileNames()).toEqual([]);
  });

  test('fills up: a short count first, then ENOSPC, and room again after a removal', async () => {
    const storage = new MemoryStorage({ files: new Map([['000004.ldb', new Uint8Array(90)]]) });
    storage.capacityBytes = 100;
    const file = storage.createNow(JOURNAL);
    expect(file.writeNow(new Uint8Array(8), 0, 8, 0)).toBe(8);
    expect(await file.write(new Uint8Array(8), 0, 8, 8)).toBe(2);
    let caught: unknown;
    try {
      file.writeNow(new Uint8Array(8), 0, 8, 10);
    } catch (error) {
      caught = error;
    }
    expect(errnoOf(caught)).toBe('ENOSPC');
    expect(file.writeNow(new Uint8Array(8), 0, 8, 2)).toBe(8);
    storage.removeNow(tableFile(4));
    expect(file.writeNow(new Uint8Array(95), 0, 95, 10)).toBe(90);
    expect(storage.sizeNow(JOURNAL)).toBe(100);
  });

  test('goes on from any place of its history after the process alone has died', () => {
    const storage = new MemoryStorage({ files: new Map([['CURRENT', text('a')]]) });
    const file = storage.createNow(JOURNAL);
    file.writeNow(text('hello'), 0, 5, 0);
    file.syncNow();
    file.truncateNow(4);
    storage.renameNow(JOURNAL, journalFile(5));
    storage.quarantineNow(journalFile(5));
    storage.damage(CURRENT_FILE, () => text('b'));
    storage.removeNow(CURRENT_FILE);
    file.writeNow(text('!'), 0, 1, 4);
    const expected = [
      { CURRENT: 'a' },
      { '000003.log': '', CURRENT: 'a' },
      { '000003.log': 'hello', CURRENT: 'a' },
      { '000003.log': 'hello', CURRENT: 'a' },
      { '000003.log': 'hell', CURRENT: 'a' },
      { '000005.log': 'hell', CURRENT: 'a' },
      { CURRENT: 'a', 'lost/000005.log': 'hell' },
      { CURRENT: 'b', 'lost/000005.log': 'hell' },
      { 'lost/000005.log': 'hell' },
      { 'lost/000005.log': 'hell!' },
    ];
    for (const [length, files] of expected.entries()) {
      const resumed = MemoryStorage.resume(storage.trace, length);
      expect(contents(resumed), `after ${length}`).toEqual(files);
      expect(resumed.trace.entries).toEqual(storage.trace.entries.slice(0, length));
      resumed.createNow(tableFile(9)).writeNow(text('new'), 0, 3, 0);
      expect(contents(resumed)).toEqual({ ...files, '000009.ldb': 'new' });
      const again = MemoryStorage.resume(resumed.trace, resumed.trace.entries.length);
      expect(contents(again)).toEqual({ ...files, '000009.ldb': 'new' });
    }
  });
});
