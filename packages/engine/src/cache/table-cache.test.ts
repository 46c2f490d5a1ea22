import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { Running, runLater, runNow } from '@arena-level/common/base/steps';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { ReadableFile, Storage } from '@arena-level/common/storage/storage';
import { DEFAULT_TABLE_OPTIONS } from '@arena-level/common/table/table-options';
import type { TableReader } from '@arena-level/common/table/table-reader';
import { describe, expect, test } from 'vitest';
import { entries } from '../iterator/entry-run.test-support.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { writeTable } from '../read/store-picture.test-support.ts';
import { TableCache } from './table-cache.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_107);

/** Ten tables, a cache over them, and a count of the descriptors that are open. */
class Tables {
  readonly memory: MemoryStorage;
  readonly faults: FaultStorage;
  readonly cache: TableCache;
  readonly tables: TableMetadata[];
  /** Completions of asynchronous operations that a test lets through itself. */
  readonly waiting: (() => void)[] = [];
  openFiles = 0;
  opens = 0;

  constructor(maxOpenFiles: number, isManual = false) {
    const schedule = isManual
      ? (complete: () => void): void => void this.waiting.push(complete)
      : queueMicrotask;
    this.memory = new MemoryStorage({ schedule });
    this.tables = Array.from({ length: 10 }, (_, number) =>
      writeTable(this.memory, number, entries(`k#1=${number}`), DEFAULT_TABLE_OPTIONS),
    );
    this.faults = new FaultStorage(this.memory);
    this.cache = new TableCache(this.#counted(this.faults), maxOpenFiles);
  }

  open(number: number): Promise<TableReader> {
    return runLater(this.cache.acquire(this.tables[number]!));
  }

  openNow(number: number): TableReader {
    return runNow(this.cache.acquire(this.tables[number]!));
  }

  touch(number: number): void {
    this.cache.release(this.openNow(number));
  }

  async letThrough(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      for (const complete of this.waiting.splice(0)) complete();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Numbers of the tables that are to be found open. */
  get found(): number[] {
    return this.tables.map(({ number }) => number).filter((number) => this.cache.peek(number) !== undefined);
  }

  #counted(storage: Storage): Storage {
    return new Proxy(storage, {
      get: (target, name) => {
        if (name === 'openReadNow')
          return (file: Parameters<Storage['openRead']>[0]) => this.#count(target.openReadNow(file));
        if (name === 'openRead') {
          return async (file: Parameters<Storage['openRead']>[0]) => this.#count(await target.openRead(file));
        }
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }

  #count(file: ReadableFile): ReadableFile {
    this.openFiles++;
    this.opens++;
    const close = file.closeNow.bind(file);
    let isOpen = true;
    file.closeNow = () => {
      if (isOpen) this.openFiles--;
      isOpen = false;
      close();
    };
    return file;
  }
}

describe('a table cache', () => {
  test('opens a table once and finds it again', async () => {
    const tables = new Tables(5);
    expect(tables.cache.peek(3)).toBeUndefined();
    const reader = await tables.open(3);
    expect(reader.name).toBe('000003.ldb');
    expect([tables.cache.peek(3), tables.openNow(3), tables.cache.tryAcquire(3)]).toEqual([
      reader,
      reader,
      reader,
    ]);
    expect([tables.opens, tables.openFiles, tables.cache.openTables]).toEqual([1, 1, 1]);
  });

  test('keeps at most so many open, closing the least recently used', () => {
    const tables = new Tables(3);
    for (const number of [0, 1, 2]) tables.touch(number);
    tables.cache.peek(0);
    tables.touch(3);
    expect(tables.found).toEqual([0, 2, 3]);
    tables.touch(2);
    tables.touch(4);
    expect(tables.found).toEqual([2, 3, 4]);
    expect(tables.openFiles).toBe(3);
  });

  test('keeps tables in use open whatever the bound, and closes them when they are released', async () => {
    const tables = new Tables(2);
    const readers = await Promise.all([0, 1, 2, 3].map((number) => tables.open(number)));
    const again = tables.openNow(3);
    expect(tables.openFiles).toBe(4);
    tables.cache.release(readers[3]!);
    expect(tables.openFiles).toBe(4);
    tables.cache.release(again);
    expect(tables.openFiles).toBe(3);
    for (const reader of readers.slice(0, 3)) tables.cache.release(reader);
    expect([tables.openFiles, tables.cache.openTables]).toEqual([2, 2]);
    expect(() => tables.cache.release(readers[0]!)).toThrow(/invariant/);
  });

  test('a table that is used again is not idle any more', () => {
    const tables = new Tables(2);
    tables.touch(0);
    const reader = tables.openNow(0);
    for (const number of [1, 2, 3]) tables.touch(number);
    expect(tables.found).toEqual([0, 3]);
    tables.cache.release(reader);
    tables.touch(4);
    expect(tables.found).toEqual([0, 4]);
  });

  test('everyone who waits for a table shares one open', async () => {
    const tables = new Tables(5, true);
    const waiting = [tables.open(1), tables.open(1), tables.open(1)];
    await tables.letThrough();
    const readers = await Promise.all(waiting);
    expect(new Set(readers).size).toBe(1);
    expect(tables.opens).toBe(1);
    for (const reader of readers) tables.cache.release(reader);
    expect(() => tables.cache.release(readers[0]!)).toThrow(/invariant/);
  });

  test('a blocking open takes over one that is under way; what comes late is closed', async () => {
    const tables = new Tables(5, true);
    const later = tables.open(1);
    const reader = tables.openNow(1);
    expect([tables.opens, tables.openFiles]).toEqual([1, 1]);
    await tables.letThrough();
    expect(await later).toBe(reader);
    expect([tables.opens, tables.openFiles]).toEqual([2, 1]);
    tables.cache.release(reader);
    tables.cache.release(reader);
    await tables.cache.close();
    expect(tables.openFiles).toBe(0);
  });

  test('a blocking open takes over one that is reading its blocks', async () => {
    const tables = new Tables(5, true);
    const later = tables.open(1);
    tables.waiting.shift()!();
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(tables.waiting.length).toBe(1);
    const reader = tables.openNow(1);
    await tables.letThrough();
    expect(await later).toBe(reader);
    expect([tables.opens, tables.openFiles]).toEqual([1, 1]);
  });

  test('a blocking open may come at any moment of one that is under way', async () => {
    for (let completed = 0; completed < 6; completed++) {
      for (let microtasks = 0; microtasks < 12; microtasks++) {
        const tables = new Tables(5, true);
        const outer = new Running(tables.cache.acquire(tables.tables[1]!));
        for (let i = 0; i < completed; i++) {
          tables.waiting.shift()?.();
          if (i < completed - 1) await new Promise<void>((resolve) => setImmediate(resolve));
        }
        for (let i = 0; i < microtasks; i++) await Promise.resolve();
        const reader = microtasks % 2 === 0 ? tables.openNow(1) : outer.finishNow();
        await tables.letThrough();
        expect(await outer.promise).toBe(reader);
        expect([tables.openFiles, tables.cache.openTables], `${completed}, ${microtasks}`).toEqual([1, 1]);
      }
    }
  });

  test('an evicted table is closed at once, or with its last user', () => {
    const tables = new Tables(5);
    tables.touch(1);
    const used = tables.openNow(2);
    tables.cache.evict(1);
    tables.cache.evict(2);
    tables.cache.evict(9);
    expect([tables.found, tables.openFiles, tables.cache.openTables]).toEqual([[], 1, 1]);
    tables.cache.release(used);
    expect([tables.openFiles, tables.cache.openTables]).toEqual([0, 0]);
  });

  test('a table that is evicted while it is being opened is not kept', async () => {
    const tables = new Tables(5, true);
    const opening = tables.open(1);
    const refused = expect(opening).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    tables.cache.evict(1);
    await tables.letThrough();
    await refused;
    expect([tables.openFiles, tables.cache.openTables]).toEqual([0, 0]);
  });
});

describe('a table that cannot be opened', () => {
  test('is corruption that names it when it is missing', async () => {
    const tables = new Tables(5);
    tables.memory.removeNow(tableFile(4));
    const damage = {
      code: ErrorCode.Corruption,
      file: '000004.ldb',
      message: expect.stringContaining('missing'),
    };
    await expect(tables.open(4)).rejects.toMatchObject(damage);
    expect(() => tables.openNow(4)).toThrow(expect.objectContaining(damage));
    expect([tables.openFiles, tables.cache.openTables]).toEqual([0, 0]);
  });

  test('is corruption that names it when its size is not the stated one', async () => {
    for (const change of [-1, 1]) {
      const tables = new Tables(5);
      const table = { ...tables.tables[4]!, size: tables.tables[4]!.size + change };
      const damage = { code: ErrorCode.Corruption, file: '000004.ldb' };
      await expect(runLater(tables.cache.acquire(table))).rejects.toMatchObject(damage);
      expect(() => runNow(tables.cache.acquire(table))).toThrow(expect.objectContaining(damage));
      expect([tables.openFiles, tables.cache.openTables]).toEqual([0, 0]);
    }
  });

  test('is corruption when its footer is damaged, and the file is closed', async () => {
    const tables = new Tables(5);
    tables.memory.damage(tableFile(4), (file) => {
      file[file.length - 1]! ^= 1;
      return undefined;
    });
    await expect(tables.open(4)).rejects.toMatchObject({ code: ErrorCode.Corruption, file: '000004.ldb' });
    expect(tables.openFiles).toBe(0);
  });

  test('is an error of the disk when the disk fails, and may be tried again', async () => {
    for (const operation of ['open-read', 'read'] as const) {
      const tables = new Tables(5);
      const rule = { operation, nth: 1, times: 1, effect: 'error', errno: 'EIO' } as const;
      tables.faults.install({ rules: [rule] });
      await expect(tables.open(4)).rejects.toMatchObject({ code: ErrorCode.IoError });
      expect(tables.openFiles).toBe(0);
      tables.faults.install({ rules: [rule] });
      expect(() => tables.openNow(4)).toThrow(expect.objectContaining({ code: ErrorCode.IoError }));
      expect(tables.openFiles).toBe(0);
      expect((await tables.open(4)).name).toBe('000004.ldb');
    }
  });

  test('for want of descriptors is tried again after idle tables were closed', async () => {
    const tables = new Tables(9);
    const used = tables.openNow(0);
    for (const number of [1, 2, 3]) tables.touch(number);
    tables.faults.install({
      rules: [{ operation: 'open-read', nth: 1, times: 1, effect: 'error', errno: 'EMFILE' }],
    });
    const reader = await tables.open(4);
    expect([tables.found, tables.openFiles]).toEqual([[0, 4], 2]);
    tables.cache.release(reader);
    tables.cache.release(used);
    tables.faults.install({
      rules: [{ operation: 'open-read', nth: 1, times: 9, effect: 'error', errno: 'EMFILE' }],
    });
    await expect(tables.open(5)).rejects.toMatchObject({ code: ErrorCode.IoError });
  });
});

describe('closing a table cache', () => {
  test('closes everything, waits for tables in use, and refuses further opens', async () => {
    const tables = new Tables(5);
    tables.touch(1);
    const used = tables.openNow(2);
    let isDone = false;
    const closed = tables.cache.close().then(() => {
      isDone = true;
    });
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect([isDone, tables.openFiles]).toEqual([false, 1]);
    await expect(tables.open(3)).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    expect(() => tables.openNow(3)).toThrow(expect.objectContaining({ code: ErrorCode.DatabaseNotOpen }));
    tables.cache.release(used);
    await closed;
    expect([tables.openFiles, tables.opens]).toEqual([0, 2]);
  });

  test('waits for opens under way and closes what they bring', async () => {
    const tables = new Tables(5, true);
    const refused = expect(tables.open(1)).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    const closed = tables.cache.close();
    await tables.letThrough();
    await Promise.all([refused, closed]);
    expect([tables.openFiles, tables.cache.openTables]).toEqual([0, 0]);
  });

  test('waits for the file of an open that was taken over', async () => {
    const tables = new Tables(5, true);
    const taken = tables.open(2).then((reader) => tables.cache.release(reader));
    tables.cache.release(tables.openNow(2));
    await taken;
    let isDone = false;
    const closed = tables.cache.close().then(() => {
      isDone = true;
    });
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    await tables.letThrough();
    await closed;
    expect(tables.openFiles).toBe(0);
  });
});

test(`pins, bounds, evictions and blocking opens in any order leave no descriptor behind (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  for (let round = 0; round < 20; round++) {
    const tables = new Tables(1 + prng.below(4), true);
    const used: TableReader[] = [];
    // Of a table whose opening is under way an eviction refuses all who wait for that opening.
    const refused = (error: unknown): void =>
      expect(error).toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    const coming: Promise<void>[] = [];
    for (let step = 0; step < 60; step++) {
      const number = prng.below(10);
      const action = prng.below(6);
      if (action === 0) {
        try {
          used.push(tables.openNow(number));
        } catch (error) {
          refused(error);
        }
      } else if (action === 1)
        coming.push(tables.open(number).then((reader) => void used.push(reader), refused));
      else if (action === 2 && used.length > 0)
        tables.cache.release(used.splice(prng.below(used.length), 1)[0]!);
      else if (action === 3) tables.cache.evict(number);
      else if (action === 4) for (const complete of tables.waiting.splice(0, 1 + prng.below(3))) complete();
      else await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await tables.letThrough();
    await Promise.all(coming);
    const closed = tables.cache.close();
    for (const reader of used) tables.cache.release(reader);
    await closed;
    expect([tables.openFiles, tables.cache.openTables], `seed ${SEED}, round ${round}`).toEqual([0, 0]);
  }
});
