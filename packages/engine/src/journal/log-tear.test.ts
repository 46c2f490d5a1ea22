import { Prng } from '@arena-level/common/base/prng';
import { LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { describe, expect, test } from 'vitest';
import {
  borders,
  concatenate,
  expectSame,
  JOURNAL,
  patternBytes,
  readBytes,
  slowLog,
} from './log.test-support.ts';
import { BLOCK_BYTES, HEADER_BYTES } from './log-format.ts';
import { LogWriter } from './log-writer.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const room = BLOCK_BYTES - HEADER_BYTES;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('a log after a crash', () => {
  test('ends at the last whole record, however the file is cut: at a border it ends, elsewhere it is torn', () => {
    const records = [20, 0, 300, room - 400, 40_000, 90, 5].map((length, i) => patternBytes(length, i));
    const bytes = slowLog(records);
    const ends = borders(records);
    const isInteresting = (at: number): boolean =>
      at % BLOCK_BYTES < 40 || ends.some((end) => Math.abs(end - at) < 12);
    for (let length = 0; length <= bytes.length; length += isInteresting(length) ? 1 : 397) {
      const { records: seen, end } = readBytes(bytes.subarray(0, length));
      const whole = ends.findLastIndex((border) => border <= length);
      expect(seen.length, `cut at ${length}`).toBe(whole);
      expect(end.goodEnd, `cut at ${length}`).toBe(ends[whole]);
      const isTail = length > ends[whole]! && length === BLOCK_BYTES && length - ends[whole]! < HEADER_BYTES;
      expect(end.kind, `cut at ${length}`).toBe(length === ends[whole] || isTail ? 'end' : 'tear');
    }
  });

  test('is torn at the record in which a sector never arrived, with all records before it, whatever follows', () => {
    const records = Array.from({ length: 60 }, (_, i) => patternBytes([30, 700, 3000, 35_000][i % 4]!, i));
    const bytes = slowLog(records);
    const ends = borders(records);
    for (const sectorBytes of [512, 4096]) {
      for (
        let sector = 0;
        sector + sectorBytes < bytes.length;
        sector += sectorBytes * (sectorBytes === 512 ? 11 : 3)
      ) {
        const damaged = bytes.slice().fill(0, sector, sector + sectorBytes);
        const whole = ends.findLastIndex((border) => border <= sector);
        const { records: seen, end } = readBytes(damaged);
        const message = `${sectorBytes} bytes lost at ${sector}`;
        expect(end, message).toMatchObject({ kind: 'tear', goodEnd: ends[whole] });
        if (end.kind === 'tear') expect(end.offset - end.goodEnd, message).toBeLessThan(HEADER_BYTES);
        expectSame(seen, records.slice(0, whole), message);
      }
    }
  });

  test('is torn where the end of a sector was never written although its beginning was', () => {
    for (let headerInSector = 1; headerInSector <= 20; headerInSector++) {
      const records = [
        patternBytes(512 - headerInSector - HEADER_BYTES, 1),
        patternBytes(2000, 2),
        patternBytes(50, 3),
      ];
      const bytes = slowLog(records);
      bytes.fill(0, 512 - headerInSector, 512);
      const { records: seen, end } = readBytes(bytes);
      expect(end, `${headerInSector} bytes`).toMatchObject({ kind: 'tear', offset: 512 - headerInSector });
      expectSame(seen, records.slice(0, 1), `${headerInSector} bytes`);
    }
  });

  test('is torn alike in a last record of which all else was written, where every record was synced, too', () => {
    for (let headerInSector = 1; headerInSector < HEADER_BYTES; headerInSector++) {
      const records = [patternBytes(512 - headerInSector - HEADER_BYTES, 1), patternBytes(2000, 2)];
      const bytes = slowLog(records).fill(0, 512 - headerInSector, 512);
      for (const everyRecordSynced of [false, true]) {
        const { end } = readBytes(bytes, { everyRecordSynced });
        const message = `${headerInSector} bytes, every record synced: ${everyRecordSynced}`;
        expect(end, message).toMatchObject({ kind: 'tear', offset: 512 - headerInSector });
      }
    }
  });

  test('names the first bad record, however the file ends behind it', () => {
    const records = [patternBytes(60, 1), patternBytes(40_000, 2), patternBytes(20, 3)];
    const bytes = slowLog(records).fill(0xee, 70, 32_000);
    const cut = bytes.subarray(0, bytes.length - 22);
    expect(readBytes(cut).end).toMatchObject({ kind: 'tear', offset: 67, goodEnd: 67 });
  });

  test('is torn at zeros up to the end of the file, as after a size that arrived without its data', () => {
    const bytes = slowLog([text('a'), text('b')]);
    for (const zeros of [7, 20, 600, 40_000]) {
      const { records, end } = readBytes(concatenate([bytes, new Uint8Array(zeros)]));
      expect(records.length).toBe(2);
      expect(end).toMatchObject({ kind: 'tear', offset: bytes.length, goodEnd: bytes.length });
    }
  });

  test('is torn at garbage that nothing readable follows', () => {
    const bytes = slowLog([text('a'), text('b')]);
    const end = readBytes(concatenate([bytes, patternBytes(100_000, 9)])).end;
    expect(end).toMatchObject({ kind: 'tear', offset: bytes.length });
  });

  test('is torn at the beginning of a record whose last chunks are missing', () => {
    const records = [text('a'), patternBytes(100_000, 2)];
    const bytes = slowLog(records);
    const { end } = readBytes(bytes.subarray(0, 2 * BLOCK_BYTES));
    expect(end).toMatchObject({ kind: 'tear', offset: HEADER_BYTES + 1, goodEnd: HEADER_BYTES + 1 });
  });

  test.each(Object.entries(LOSS_MODELS))(
    `finds a first part of the records with all that were synced, never damage, after a crash (%s, seed ${SEED})`,
    (_name, loss) => {
      const prng = new Prng(SEED);
      for (let round = 0; round < 40; round++) {
        const storage = new MemoryStorage();
        const log = new LogWriter(storage.createNow(JOURNAL));
        storage.syncDirectoryNow();
        const records: Uint8Array[] = [];
        let synced = 0;
        for (let i = 0; i < 12; i++) {
          const record = patternBytes(prng.oneIn(8) ? prng.below(60_000) : prng.below(700), round * 100 + i);
          log.appendNow(record, 0, record.length);
          records.push(record);
          if (!prng.oneIn(6)) continue;
          log.file.syncNow();
          synced = records.length;
        }
        for (let crash = 0; crash < 8; crash++) {
          const files = storage.crashClone(loss, prng).snapshot();
          const { records: seen, end } = readBytes(files.get('000003.log')!);
          const message = `round ${round}, crash ${crash}`;
          expect(end.kind, message).not.toBe('damage');
          expect(seen.length, message).toBeGreaterThanOrEqual(synced);
          expectSame(seen, records.slice(0, seen.length), message);
        }
      }
    },
  );
});
