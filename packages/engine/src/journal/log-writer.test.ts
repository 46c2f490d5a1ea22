import { ErrorCode, errnoOf, hasCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { Running, type Steps, wait } from '@arena-level/common/base/steps';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { fileName } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import { JOURNAL, patternBytes, readBytes, slowLog } from './log.test-support.ts';
import { BLOCK_BYTES, HEADER_BYTES } from './log-format.ts';
import { LogWriter } from './log-writer.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const MIB = 1024 * 1024;

function newLog(storage = new MemoryStorage()): { storage: MemoryStorage; log: LogWriter } {
  return { storage, log: new LogWriter(storage.createNow(JOURNAL)) };
}

function contents(storage: MemoryStorage): Uint8Array {
  return storage.snapshot().get(fileName(JOURNAL))!;
}

function writesOf(storage: MemoryStorage): number {
  return storage.trace.entries.filter(({ operation }) => operation === 'write').length;
}

function appendAll(log: LogWriter, records: readonly Uint8Array[]): void {
  for (const record of records) log.appendNow(record, 0, record.length);
}

describe('LogWriter', () => {
  test('writes the bytes that LevelDB writes for a batch of a put and a delete', () => {
    const { storage, log } = newLog();
    const batch = Buffer.from('0100000000000000'.concat('02000000', '0101610162', '000163'), 'hex');
    log.appendNow(batch, 0, batch.length);
    expect(Buffer.from(contents(storage)).toString('hex')).toBe(`757ea537140001${batch.toString('hex')}`);
  });

  const room = BLOCK_BYTES - HEADER_BYTES;
  test.each([
    { id: 'an empty record', lengths: [0, 0, 1] },
    { id: 'a record that ends with its block', lengths: [room, 5] },
    { id: 'a record one byte longer than its block', lengths: [room + 1, 5] },
    { id: 'exactly a header left in a block', lengths: [room - HEADER_BYTES, 100, 7] },
    { id: 'exactly a header left and an empty record', lengths: [room - HEADER_BYTES, 0, 7] },
    { id: 'six bytes left in a block', lengths: [room - 6, 100] },
    { id: 'one byte left in a block', lengths: [room - 1, 0, 3] },
    { id: 'eight bytes left in a block', lengths: [room - 8, 2 * BLOCK_BYTES, 3] },
    { id: 'records over several blocks', lengths: [100, 5 * BLOCK_BYTES, 3, 2 * room, 1] },
    { id: 'a record of 1 MiB and one byte more', lengths: [10, MIB, MIB + 1, 2] },
    { id: 'a record of several slices', lengths: [3, 5 * MIB + 17, 4] },
  ])('gives the format’s bytes for $id', ({ lengths }) => {
    const { storage, log } = newLog();
    const records = lengths.map((length, i) => patternBytes(length, i));
    appendAll(log, records);
    expect(Buffer.compare(contents(storage), slowLog(records))).toBe(0);
    expect(log.goodSize).toBe(contents(storage).length);
    expect(readBytes(contents(storage)).end).toEqual({ kind: 'end', goodEnd: log.goodSize });
  });

  test(`gives the format’s bytes for random records, taken from the middle of a buffer (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 60; round++) {
      const { storage, log } = newLog();
      const records: Uint8Array[] = [];
      for (let i = 0; i < 12; i++) {
        const length = prng.oneIn(3) ? prng.below(3 * BLOCK_BYTES) : prng.below(300);
        const start = prng.below(20);
        const buffer = patternBytes(start + length + 9, round * 100 + i);
        records.push(buffer.slice(start, start + length));
        log.appendNow(buffer, start, start + length);
      }
      expect(Buffer.compare(contents(storage), slowLog(records)), `round ${round}`).toBe(0);
    }
  });

  test('goes on where a file ends, wherever in a block that is', () => {
    for (const length of [1, room - 20, room - 7, room - 3, room, room + 50]) {
      const { storage, log } = newLog();
      const records = [patternBytes(length, 1), patternBytes(40_000, 2)];
      appendAll(log, records.slice(0, 1));
      const next = new LogWriter(storage.openWriteNow(JOURNAL), log.goodSize);
      appendAll(next, records.slice(1));
      expect(Buffer.compare(contents(storage), slowLog(records)), `length ${length}`).toBe(0);
    }
  });

  test('writes a record of up to 1 MiB, block tail included, with one write, and larger ones 1 MiB at a time', () => {
    const { storage, log } = newLog();
    log.appendNow(patternBytes(room - 3, 0), 0, room - 3);
    log.appendNow(patternBytes(MIB, 1), 0, MIB);
    expect(writesOf(storage)).toBe(2);
    log.appendNow(patternBytes(5 * MIB, 1), 0, 5 * MIB);
    expect(writesOf(storage) - 2).toBe(5);
  });

  test('copies a record of up to 1 MiB when it prepares it', () => {
    const { storage, log } = newLog();
    const record = patternBytes(70_000, 1);
    const before = record.slice();
    log.prepare(record, 0, record.length);
    record.fill(0);
    log.writeNow();
    log.commitPrepared();
    expect(Buffer.compare(contents(storage), slowLog([before]))).toBe(0);
  });

  test('appends asynchronously what it appends blocking', async () => {
    const { storage, log } = newLog();
    const records = [5, 40_000, 3 * MIB, 0].map((length, i) => patternBytes(length, i));
    for (const record of records) await log.append(record, 0, record.length);
    expect(Buffer.compare(contents(storage), slowLog(records))).toBe(0);
  });
});

describe('LogWriter, an asynchronous append taken over', () => {
  /** A storage whose asynchronous operations complete when the test says so. */
  function heldBack(): { storage: MemoryStorage; log: LogWriter; complete: () => Promise<void> } {
    const held: (() => void)[] = [];
    const { storage, log } = newLog(new MemoryStorage({ schedule: (complete) => void held.push(complete) }));
    const complete = async (): Promise<void> => {
      held.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { storage, log, complete };
  }

  function* append(log: LogWriter, record: Uint8Array): Steps<void> {
    log.prepare(record, 0, record.length);
    yield* wait(
      () => log.writeNow(),
      () => log.write(),
    );
    log.commitPrepared();
  }

  test('is written once more by the blocking call, and the late write does no harm', async () => {
    const { storage, log, complete } = heldBack();
    const records = [patternBytes(50, 1), patternBytes(60, 2), patternBytes(70, 3)];
    const first = new Running(append(log, records[0]!));
    first.finishNow();
    const second = new Running(append(log, records[1]!));
    await complete();
    second.finishNow();
    appendAll(log, records.slice(2));
    await complete();
    await Promise.all([first.promise, second.promise, log.idle()]);
    expect(Buffer.compare(contents(storage), slowLog(records))).toBe(0);
  });

  test.each([0, 1, 2, 3])(
    'goes on with the slices of a large record after %i asynchronous ones',
    async (slices) => {
      const { storage, log, complete } = heldBack();
      const records = [patternBytes(4 * MIB, 1), patternBytes(2 * MIB, 2)];
      const first = new Running(append(log, records[0]!));
      for (let i = 0; i < slices; i++) await complete();
      first.finishNow();
      appendAll(log, records.slice(1));
      await complete();
      await first.promise;
      expect(Buffer.compare(contents(storage), slowLog(records))).toBe(0);
    },
  );

  test('is not harmed by the late failure of the asynchronous write', async () => {
    const rules = [{ operation: 'write', nth: 1, times: 1, effect: 'error', errno: 'EIO' }] as const;
    const memory = new MemoryStorage();
    const log = new LogWriter(new FaultStorage(memory, { rules }).createNow(JOURNAL));
    const record = patternBytes(50, 1);
    const running = new Running(append(log, record));
    running.finishNow();
    await log.idle();
    expect(log.failure).toBeUndefined();
    appendAll(log, [record]);
    expect(Buffer.compare(contents(memory), slowLog([record, record]))).toBe(0);
  });

  test('is idle only when every overtaken write has ended', async () => {
    const held: (() => void)[] = [];
    const { log } = newLog(new MemoryStorage({ schedule: (complete) => void held.push(complete) }));
    new Running(append(log, patternBytes(50, 1))).finishNow();
    const second = log.append(patternBytes(60, 2), 0, 60);
    let idle = false;
    const waiting = log.idle().then(() => {
      idle = true;
    });
    held.pop()?.();
    await second;
    await new Promise((resolve) => setImmediate(resolve));
    expect(idle).toBe(false);
    held.pop()?.();
    await waiting;
    await log.idle();
  });
});

describe('LogWriter, a write that fails', () => {
  const record = patternBytes(1000, 1);

  test.each(['now', 'later'])('is an error when fewer bytes arrive than asked (%s)', async (kind) => {
    const { storage, log } = newLog();
    log.appendNow(record, 0, record.length);
    storage.capacityBytes = log.goodSize + 100;
    const error = await attempt(kind, log, record);
    expect(hasCode(error, ErrorCode.IoError)).toBe(true);
    expect(errnoOf(error)).toBe('ENOSPC');
    expect(contents(storage).length).toBe(log.goodSize + 100);
    expect(log.failure).toBe(error);
  });

  test('is final: nothing is written any more, and the torn bytes can be cut', async () => {
    const { storage, log } = newLog();
    log.appendNow(record, 0, record.length);
    storage.capacityBytes = log.goodSize + 100;
    const error = await attempt('now', log, record);
    storage.capacityBytes = Number.POSITIVE_INFINITY;
    const writes = writesOf(storage);
    expect(() => log.prepare(record, 0, record.length)).toThrow(error as Error);
    expect(() => log.writeNow()).toThrow(error as Error);
    expect(writesOf(storage)).toBe(writes);
    expect(readBytes(contents(storage)).end.kind).toBe('tear');
    log.file.truncateNow(log.goodSize);
    expect(readBytes(contents(storage))).toMatchObject({ records: [record], end: { kind: 'end' } });
  });

  test('leaves the size of what was whole, in the middle of the slices of a large record, too', () => {
    const { storage, log } = newLog();
    log.appendNow(record, 0, record.length);
    const goodSize = log.goodSize;
    storage.capacityBytes = 2 * MIB;
    expect(() => log.appendNow(patternBytes(4 * MIB, 1), 0, 4 * MIB)).toThrow(/of \d+ bytes were written/);
    expect(log.goodSize).toBe(goodSize);
    expect(readBytes(contents(storage))).toMatchObject({
      records: [record],
      end: { kind: 'tear', goodEnd: goodSize },
    });
  });

  test('of a sync, told by the owner, stops the writer, too, and keeps the record that was written', () => {
    const { log } = newLog();
    log.appendNow(record, 0, record.length);
    const failure = log.fail(new Error('fdatasync: EIO'));
    expect(() => log.prepare(record, 0, record.length)).toThrow(failure);
    expect(log.fail(new Error('a later one'))).toBe(failure);
    expect(log.goodSize).toBe(HEADER_BYTES + record.length);
  });

  async function attempt(kind: string, log: LogWriter, bytes: Uint8Array): Promise<unknown> {
    try {
      if (kind === 'now') log.appendNow(bytes, 0, bytes.length);
      else await log.append(bytes, 0, bytes.length);
      return undefined;
    } catch (error) {
      return error;
    }
  }
});

describe('LogWriter, used wrongly', () => {
  const record = patternBytes(10, 1);

  test('refuses a second record before the first is committed', () => {
    const { log } = newLog();
    log.prepare(record, 0, record.length);
    expect(() => log.prepare(record, 0, record.length)).toThrow(/invariant/);
  });

  test('refuses to write or commit what was not prepared or not written', () => {
    const { log } = newLog();
    expect(() => log.writeNow()).toThrow(/invariant/);
    expect(() => log.commitPrepared()).toThrow(/invariant/);
    log.prepare(patternBytes(3 * MIB, 1), 0, 3 * MIB);
    expect(() => log.commitPrepared()).toThrow(/invariant/);
  });
});
