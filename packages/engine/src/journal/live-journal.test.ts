import { runNow } from '@arena-level/common/base/steps';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { journalFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { expect, test } from 'vitest';
import { readBatchCount, readBatchSequence } from './batch-codec.ts';
import { LiveJournal } from './live-journal.ts';
import { readLog } from './log-reader.ts';

const RECORD = new Uint8Array(100).fill(7);

test('a journal begins with an opening record: an empty batch with the sequence number that comes next', () => {
  const storage = new MemoryStorage();
  const journal = LiveJournal.createNow(storage, 5, 1234);
  journal.writer.appendNow(RECORD, 0, RECORD.length);
  const records: number[][] = [];
  const file = storage.openReadNow(journalFile(5));
  runNow(
    readLog(file, (bytes, start, end) => {
      records.push(
        end - start === RECORD.length ? [] : [readBatchSequence(bytes, start), readBatchCount(bytes, start)],
      );
    }),
  );
  expect(records).toEqual([[1234, 0], []]);
  expect(journal.isDurable).toBe(false);
});

test('one that cannot be begun leaves no file behind', () => {
  for (const effect of ['error', 'torn-write', 'short-write'] as const) {
    const memory = new MemoryStorage();
    const storage = new FaultStorage(memory, {
      rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect, errno: 'ENOSPC' }],
    });
    expect(() => LiveJournal.createNow(storage, 5, 1), effect).toThrow(/000005\.log/);
    expect(memory.fileNames()).toEqual([]);
  }
});

test('one whose file exists already is not touched', () => {
  const storage = new MemoryStorage({ files: new Map([['000005.log', RECORD]]) });
  expect(() => LiveJournal.createNow(storage, 5, 1)).toThrow(/EEXIST/);
  expect(storage.snapshot().get('000005.log')).toEqual(RECORD);
});

test('it is durable when its name is, and all bytes that were written whole', () => {
  const journal = LiveJournal.createNow(new MemoryStorage(), 5, 1);
  journal.nameDurable = true;
  expect(journal.isDurable).toBe(false);
  journal.durableBytes = journal.writer.goodSize;
  expect(journal.isDurable).toBe(true);
  journal.writer.appendNow(RECORD, 0, RECORD.length);
  expect(journal.isDurable).toBe(false);
});

test('cutting a torn record leaves the whole ones', () => {
  const memory = new MemoryStorage();
  const storage = new FaultStorage(memory);
  const journal = LiveJournal.createNow(storage, 5, 1);
  journal.writer.appendNow(RECORD, 0, RECORD.length);
  const whole = memory.snapshot().get('000005.log')!;
  storage.install({
    rules: [{ operation: 'write', nth: 1, times: 1, effect: 'torn-write', errno: 'EIO' }],
  });
  expect(() => journal.writer.appendNow(RECORD, 0, RECORD.length)).toThrow(/EIO/);
  expect(memory.snapshot().get('000005.log')!.length).toBeGreaterThan(whole.length);
  journal.cutTornRecordNow();
  expect(memory.snapshot().get('000005.log')).toEqual(whole);
});

test('closing waits for a sync under way, and closes once', async () => {
  const waiting: (() => void)[] = [];
  const storage = new MemoryStorage({ schedule: (complete) => waiting.push(complete) });
  let closed = 0;
  const createNow = storage.createNow.bind(storage);
  storage.createNow = (desc) => {
    const file = createNow(desc);
    const closeNow = file.closeNow.bind(file);
    file.closeNow = () => {
      closed++;
      closeNow();
    };
    return file;
  };
  const journal = LiveJournal.createNow(storage, 5, 1);
  const syncs = [journal.sync(), journal.sync()];
  journal.close();
  journal.close();
  expect(closed).toBe(0);
  waiting.shift()!();
  await syncs[0];
  expect(closed).toBe(0);
  waiting.shift()!();
  await syncs[1];
  expect(closed).toBe(1);
  journal.close();
  expect(closed).toBe(1);
});
