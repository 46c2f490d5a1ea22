import type { FaultRule } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { INFO_LOG_FILE, OLD_INFO_LOG_FILE } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { beforeEach, describe, expect, test } from 'vitest';
import { InfoLog } from './info-log.ts';

let memory: MemoryStorage;
let storage: FaultStorage;
let failures: unknown[];
beforeEach(() => {
  memory = new MemoryStorage();
  storage = new FaultStorage(memory);
  failures = [];
});

const wallTime = (): string => '2026-01-31T23:59:58.123Z';

function newLog(maxBytes = 4096): InfoLog {
  return new InfoLog({ storage, wallTime, onFailure: (error) => failures.push(error) }, maxBytes);
}

const textOf = (file = INFO_LOG_FILE): string => Buffer.from(memory.readAllNow(file, 1 << 20)).toString();

function fail(rule: Pick<FaultRule, 'operation' | 'effect'>, nth = 1): void {
  storage.install({ rules: [{ ...rule, nth, times: Number.POSITIVE_INFINITY, errno: 'ENOSPC' }] });
}

describe('the log', () => {
  test('has a line for each text, with date, time and thread', async () => {
    const log = newLog();
    log.write('one');
    log.write('two\nlines');
    await log.close();
    expect(textOf()).toBe('2026/01/31-23:59:58.123000 0 one\n2026/01/31-23:59:58.123000 0 two lines\n');
    expect(failures).toEqual([]);
  });

  test('begins anew, and keeps the one before', async () => {
    for (const text of ['first', 'second', 'third']) {
      const log = newLog();
      log.write(text);
      await log.close();
    }
    expect(textOf()).toMatch(/ third\n$/);
    expect(textOf(OLD_INFO_LOG_FILE)).toMatch(/ second\n$/);
  });

  test('is bounded, and so is the one before: the newest lines are there', async () => {
    const log = newLog(4096);
    for (let i = 0; i < 2000; i++) {
      log.write(`line ${i} ${'.'.repeat(i % 97)}`);
      if (i % 10 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      expect(memory.sizeNow(INFO_LOG_FILE)).toBeLessThanOrEqual(4096);
      expect(memory.sizeNow(OLD_INFO_LOG_FILE) ?? 0).toBeLessThanOrEqual(4096);
    }
    await log.close();
    const lines = (textOf(OLD_INFO_LOG_FILE) + textOf()).split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(40);
    expect(lines.map((line) => Number(/ line (\d+) /.exec(line)![1]))).toEqual(
      lines.map((_, at) => 2000 - lines.length + at),
    );
    expect(textOf(OLD_INFO_LOG_FILE).length).toBeGreaterThan(3000);
  });

  test('leaves lines out, and says how many, where its thread never comes to writing', async () => {
    const log = newLog(1 << 20);
    for (let i = 0; i < 1500; i++) log.write(`line ${i}`);
    await log.close();
    const lines = textOf().split('\n').slice(0, -1);
    expect(lines).toHaveLength(1001);
    expect(lines.at(-1)).toMatch(/ 500 lines were left out here$/);
  });

  test('cuts a line that has no end', async () => {
    const log = newLog();
    log.write('x'.repeat(100_000));
    await log.close();
    expect(textOf()).toHaveLength(2001);
  });

  test('writes nothing on the calling turn, nothing in vain, and never syncs', async () => {
    const log = newLog();
    const before = storage.countOf('write');
    for (let i = 0; i < 50; i++) log.write(`line ${i}`);
    expect(storage.countOf('write')).toBe(before);
    await log.close();
    expect(storage.countOf('write')).toBe(before + 1);
    expect(storage.countOf('sync')).toBe(0);
    expect(storage.countOf('sync-directory')).toBe(0);
  });

  test('is none at all where its size is 0', async () => {
    const log = newLog(0);
    log.write('one');
    await log.close();
    expect(memory.listNow()).toEqual([]);
  });
});

describe('a log that fails is given up, and reported once', () => {
  test.each([
    ['it cannot be looked for', { operation: 'size', effect: 'error' }],
    ['it cannot be created', { operation: 'create', effect: 'error' }],
    ['it cannot be written', { operation: 'write', effect: 'error' }],
    ['it is written in part', { operation: 'write', effect: 'short-write' }],
    ['it is written in part, with an error', { operation: 'write', effect: 'torn-write' }],
  ] as const)('when %s', async (_what, rule) => {
    fail(rule);
    const log = newLog();
    log.write('one');
    await new Promise<void>((resolve) => setImmediate(resolve));
    log.write('two');
    await log.close();
    expect(failures).toMatchObject([{ code: 'LEVEL_IO_ERROR' }]);
  });

  test('when the one before cannot be kept', async () => {
    await newLog().close();
    fail({ operation: 'rename', effect: 'error' });
    const log = newLog();
    log.write('one');
    await log.close();
    expect(failures).toMatchObject([{ code: 'LEVEL_IO_ERROR' }]);
    expect(textOf()).toBe('');
  });

  test('when the next one cannot be begun', async () => {
    const log = newLog(4096);
    fail({ operation: 'create', effect: 'error' });
    for (let i = 0; i < 500; i++) log.write(`line ${i}`);
    await log.close();
    expect(failures).toHaveLength(1);
    expect(textOf(OLD_INFO_LOG_FILE)).toContain(' line 0\n');
  });

  test('once, when its file cannot be closed either', async () => {
    const createNow = storage.createNow.bind(storage);
    storage.createNow = (file) =>
      Object.assign(createNow(file), {
        write: () => Promise.reject(new Error('no write')),
        closeNow: () => {
          throw new Error('no close');
        },
      });
    const log = newLog();
    log.write('one');
    await log.close();
    expect(failures).toMatchObject([{ message: 'no write' }]);
  });
});
