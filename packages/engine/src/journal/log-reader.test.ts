import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { Running, runNow } from '@arena-level/common/base/steps';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { ReadableFile } from '@arena-level/common/storage/storage';
import { describe, expect, test } from 'vitest';
import {
  borders,
  chunk,
  concatenate,
  expectSame,
  JOURNAL,
  leveldbRecords,
  patternBytes,
  readBytes,
  slowLog,
} from './log.test-support.ts';
import { BLOCK_BYTES, ChunkType, HEADER_BYTES } from './log-format.ts';
import { readLog } from './log-reader.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const room = BLOCK_BYTES - HEADER_BYTES;

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const hexOf = (records: readonly Uint8Array[]): string[] =>
  records.map((record) => Buffer.from(record).toString('hex'));

describe('readLog, of sound logs', () => {
  test.each([
    { id: 'no record', lengths: [] },
    { id: 'small records', lengths: [3, 0, 5, 1] },
    { id: 'a header left over', lengths: [room - HEADER_BYTES, 0, 9] },
    { id: 'a header left over, then a long record', lengths: [room - HEADER_BYTES, 3 * BLOCK_BYTES, 9] },
    { id: 'a short trailer', lengths: [room - 4, 0, 9] },
    { id: 'a short trailer at the end of the file', lengths: [room - 4] },
    { id: 'a record that ends with its block and the file', lengths: [room] },
    { id: 'a record over many reads', lengths: [1, 700_000, 2] },
    { id: 'a record that ends with a read', lengths: [8 * room, 5] },
  ])('gives back $id', ({ lengths }) => {
    const records = lengths.map((length, i) => patternBytes(length, i));
    const bytes = slowLog(records);
    const result = readBytes(bytes);
    expectSame(result.records, records, 'records');
    expect(result.end).toEqual({ kind: 'end', goodEnd: bytes.length });
    expectSame(leveldbRecords(bytes), records, 'LevelDB’s reader');
  });

  test('says where each record begins: at its first chunk', () => {
    const records = [100, 40_000, 25_422, 7].map((length, i) => patternBytes(length, i));
    const offsets = borders(records).slice(0, -1);
    expect(readBytes(slowLog(records)).offsets).toEqual(offsets);
  });

  test('reads over an empty first chunk with a new record behind it, as early LevelDB left them', () => {
    const filler = patternBytes(room - HEADER_BYTES, 1);
    const bytes = concatenate([chunk(1, filler), chunk(ChunkType.First, text('')), chunk(1, text('next'))]);
    const { records, end } = readBytes(bytes);
    expectSame(records, [filler, text('next')], 'records');
    expect(end.kind).toBe('end');
  });

  test('takes what fills a block’s last bytes for nothing, whatever it is', () => {
    const records = [patternBytes(room - 5, 1), text('next')];
    const bytes = slowLog(records);
    bytes.fill(0xab, BLOCK_BYTES - 5, BLOCK_BYTES);
    expectSame(readBytes(bytes).records, records, 'records');
  });

  test('reads the same blocking and not, and when a blocking caller takes over after any read', async () => {
    const records = Array.from({ length: 40 }, (_, i) => patternBytes(30_000, i));
    const files = new Map([['000003.log', slowLog(records)]]);
    for (let reads = 0; reads <= 6; reads++) {
      const held: (() => void)[] = [];
      const storage = new MemoryStorage({ files, schedule: (complete) => void held.push(complete) });
      const seen: Uint8Array[] = [];
      const take = (bytes: Uint8Array, start: number, end: number): void =>
        void seen.push(bytes.slice(start, end));
      const running = new Running(readLog(storage.openReadNow(JOURNAL), take));
      for (let i = 0; i < reads; i++) {
        held.shift()?.();
        await new Promise((resolve) => setImmediate(resolve));
      }
      const end = running.finishNow();
      held.shift()?.();
      expect(end.kind).toBe('end');
      expectSame(seen, records, `taken over after ${reads} reads`);
    }
  });

  test('asks for at most 256 KiB at a time', () => {
    const lengths: number[] = [];
    const size = 1_000_000;
    const file: ReadableFile = {
      file: JOURNAL,
      size,
      readNow: (_target, _start, length) => {
        lengths.push(length);
        return length;
      },
      read: () => Promise.reject(new Error('not asynchronous')),
      closeNow: () => {},
    };
    expect(runNow(readLog(file, () => {}, { everyRecordSynced: true })).kind).toBe('tear');
    expect(Math.max(...lengths)).toBe(256 * 1024);
    expect(lengths.reduce((sum, length) => sum + length)).toBe(size);
  });

  test('reports a file that has become shorter while it was read', () => {
    const storage = new MemoryStorage({ files: new Map([['000003.log', slowLog([text('a')])]]) });
    const file = storage.openReadNow(JOURNAL);
    storage.damage(JOURNAL, (bytes) => bytes.subarray(0, 4));
    let error: unknown;
    try {
      runNow(readLog(file, () => {}));
    } catch (caught) {
      error = caught;
    }
    expect(hasCode(error, ErrorCode.Corruption)).toBe(true);
  });
});

describe('readLog, of damaged logs', () => {
  test('names the offset of every chunk in which a single bit is turned, the last record’s included', () => {
    const records = [40, 3, 600, 35_000, 200, 10].map((length, i) => patternBytes(length, i));
    const bytes = slowLog(records);
    const starts = borders(records);
    const isInHeader = (at: number): boolean => starts.some((start) => at >= start - 1 && at < start + 8);
    for (let at = 0; at < bytes.length; at += at % BLOCK_BYTES < 10 || isInHeader(at) ? 1 : 211) {
      const record = starts.findLastIndex((start) => start <= at);
      const bits = isInHeader(at) ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8];
      for (const bit of bits) {
        const damaged = bytes.slice();
        damaged[at]! ^= 1 << bit;
        const { records: seen, end } = readBytes(damaged);
        const message = `bit ${bit} of byte ${at}`;
        expect(end, message).toMatchObject({ kind: 'damage', goodEnd: starts[record] });
        expectSame(seen, records.slice(0, record), message);
        if (end.kind === 'damage') expect(end.offset, message).toBeLessThanOrEqual(at);
      }
    }
  });

  test('takes no turned bit for a tear because the value around it is full of zeros', () => {
    const bytes = slowLog([text('a'), new Uint8Array(20_000), text('b')]);
    bytes[9000] = 4;
    expect(readBytes(bytes).end).toMatchObject({ kind: 'damage', offset: 8 });
  });

  test('takes no damaged header for a tear although its length leads to the end of the file', () => {
    const records = [text('first'), patternBytes(500, 2), patternBytes(80, 3), text('last')];
    const bytes = slowLog(records);
    bytes.set([0xde, 0xad, 0xbe, 0xef, 0xff, 0x70, 0x13], 12);
    expect(readBytes(bytes).end).toMatchObject({ kind: 'damage', offset: 12, goodEnd: 12 });
  });

  test('takes no damaged block for a tear when records of later blocks can be read', () => {
    const records = Array.from({ length: 20 }, (_, i) => patternBytes(20_000, i));
    const bytes = slowLog(records);
    bytes.set(patternBytes(BLOCK_BYTES, 77), BLOCK_BYTES);
    expect(readBytes(bytes).end).toMatchObject({ kind: 'damage' });
  });

  test.each([
    {
      id: 'a middle chunk without a beginning',
      chunks: [chunk(3, text('x')), chunk(1, text('y'))],
      offset: 8,
    },
    { id: 'a last chunk without a beginning', chunks: [chunk(4, text('x')), chunk(1, text('y'))], offset: 8 },
    { id: 'a whole record inside another', chunks: [chunk(2, text('x')), chunk(1, text('y'))], offset: 8 },
    {
      id: 'a record that begins inside another',
      chunks: [chunk(2, text('x')), chunk(2, text('y'))],
      offset: 8,
    },
    { id: 'a chunk of an unknown type', chunks: [chunk(7, text('x'))], offset: 8 },
    { id: 'a chunk of type 0 that is not all zero', chunks: [chunk(0, text('x'))], offset: 8 },
  ])('names $id', ({ chunks, offset }) => {
    const bytes = concatenate([chunk(1, text('a')), ...chunks]);
    const { records, end } = readBytes(bytes);
    expect(hexOf(records)).toEqual(hexOf([text('a')]));
    expect(end).toMatchObject({ kind: 'damage', offset, goodEnd: 8 });
  });

  test('calls lost sectors damage where every record was synced, unless nothing readable follows', () => {
    const records = Array.from({ length: 10 }, (_, i) => patternBytes(3001, i));
    const bytes = slowLog(records);
    for (let sector = 0; sector + 512 <= bytes.length; sector += 512) {
      const damaged = bytes.slice().fill(0, sector, sector + 512);
      const isInLast = sector >= borders(records)[9]!;
      const { end } = readBytes(damaged, { everyRecordSynced: true });
      const isTouchingTail = damaged.every((byte, i) => byte === bytes[i]);
      expect(end.kind, `sector at ${sector}`).toBe(isTouchingTail ? 'end' : isInLast ? 'tear' : 'damage');
    }
  });
});

describe('readLog, salvaging', () => {
  test('drops the rest of a bad block and goes on with the next, and reports what it dropped', () => {
    const records = Array.from({ length: 100 }, (_, i) => patternBytes(1000, i));
    const bytes = slowLog(records);
    bytes[BLOCK_BYTES + 5000]! ^= 1;
    const { records: seen, end, drops } = readBytes(bytes, { skip: true });
    expect(end.kind).toBe('end');
    expectSame(seen, leveldbRecords(bytes), 'LevelDB’s reader');
    expect(drops.length).toBe(1);
    expect(drops[0]!.offset + drops[0]!.bytes).toBe(2 * BLOCK_BYTES);
    expect(seen.length).toBeGreaterThan(60);
  });

  test('joins no pieces of different records', () => {
    const records = [patternBytes(50_000, 1), patternBytes(50_000, 2)];
    const bytes = slowLog(records).fill(0, 20_000, 60_000);
    expect(readBytes(bytes, { skip: true }).records).toEqual([]);
  });

  test(`hands out what LevelDB’s reader hands out, whatever was done to the file (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 400; round++) {
      const bytes = mutatedLog(prng);
      const { records } = readBytes(bytes, { skip: true });
      expectSame(records, leveldbRecords(bytes), `round ${round}`);
    }
  });
});

describe('readLog, of anything', () => {
  test(`gives a first part of what was written, or says what is wrong (seed ${SEED}, 20,000 inputs)`, () => {
    const prng = new Prng(SEED + 1);
    for (let round = 0; round < 20_000; round++) {
      const records = Array.from({ length: 1 + prng.below(8) }, () =>
        patternBytes(prng.below(60), prng.below(99)),
      );
      const sound = slowLog(records);
      const bytes = mutate(sound, prng);
      const { records: seen, end } = readBytes(bytes, { everyRecordSynced: prng.oneIn(2) });
      const message = `round ${round}`;
      expectSame(readBytes(bytes, { skip: true }).records, leveldbRecords(bytes), message);
      expect(end.goodEnd, message).toBeLessThanOrEqual(bytes.length);
      const isChanged = Buffer.compare(bytes, sound) !== 0;
      if (!isChanged) expect(end.kind, message).toBe('end');
      seen.forEach((record, i) => {
        const original = records[i];
        const isOriginal = original !== undefined && Buffer.compare(record, original) === 0;
        if (!isOriginal) expect.fail(`${message}: record ${i} was never written`);
      });
    }
  });

  test(`ends for random bytes, and hands out nothing (seed ${SEED})`, () => {
    const prng = new Prng(SEED + 2);
    for (let round = 0; round < 60; round++) {
      const bytes = new Uint8Array(prng.below(70_000)).map(
        () => prng.nextU32() & (round % 2 === 0 ? 0xff : 0x03),
      );
      const { records, end } = readBytes(bytes);
      expect(records, `round ${round}`).toEqual([]);
      expect(end.goodEnd).toBe(0);
    }
  });
});

/** Turned bits, overwritten and lost ranges, cuts, and appended bytes. */
function mutate(sound: Uint8Array, prng: Prng): Uint8Array {
  let bytes = sound.slice();
  for (let n = prng.below(3); n >= 0; n--) {
    const at = prng.below(bytes.length + 1);
    const length = prng.below(40);
    switch (prng.below(5)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << prng.below(8);
        break;
      case 1:
        bytes.fill(0, at, at + length);
        break;
      case 2:
        for (let i = at; i < Math.min(at + length, bytes.length); i++) bytes[i] = prng.nextU32();
        break;
      case 3:
        bytes = bytes.slice(0, at);
        break;
      default:
        bytes = concatenate([bytes, new Uint8Array(length).map(() => (prng.oneIn(2) ? 0 : prng.nextU32()))]);
    }
  }
  return bytes;
}

function mutatedLog(prng: Prng): Uint8Array {
  const records = Array.from({ length: 1 + prng.below(12) }, () => {
    const length = prng.oneIn(6) ? prng.below(3 * BLOCK_BYTES) : prng.below(2000);
    return patternBytes(length, prng.below(1000));
  });
  return mutate(slowLog(records), prng);
}
