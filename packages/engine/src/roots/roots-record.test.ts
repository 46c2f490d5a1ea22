import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { decodeRootsRecord, encodeRootsRecord, type RootsRecord } from './roots-record.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const hash = (seed: number): Uint8Array => new Uint8Array(32).map((_, i) => seed + i);
const decode = (bytes: Uint8Array): RootsRecord | string => decodeRootsRecord(bytes, 0, bytes.length);

const RECORD: RootsRecord = {
  manifestNumber: 7,
  manifestBytes: 5_000_000_000,
  lastSequence: Number.MAX_SAFE_INTEGER,
  masterRoot: hash(1),
  tableRoots: [
    { number: 3, root: hash(2) },
    { number: 2 ** 40, root: hash(3) },
  ],
};

describe('a roots record', () => {
  test('comes back as it was, with tables and without', () => {
    expect(decode(encodeRootsRecord(RECORD))).toEqual(RECORD);
    expect(decode(encodeRootsRecord({ ...RECORD, tableRoots: [] }))).toEqual({ ...RECORD, tableRoots: [] });
  });

  test('stands in the file as its format says', () => {
    const bytes = Buffer.from(encodeRootsRecord(RECORD));
    expect(bytes.length).toBe(1 + 3 * 8 + 32 + 4 + 2 * 40);
    expect(bytes.subarray(0, 17).toString('hex')).toBe('010700000000000000' + '00f2052a01000000');
    expect(bytes.readUInt32LE(57)).toBe(2);
    expect(bytes.readBigUInt64LE(61)).toBe(3n);
    expect(Uint8Array.from(bytes.subarray(69, 101))).toEqual(hash(2));
  });

  test('is read from the middle of a buffer, and copied out', () => {
    const encoded = encodeRootsRecord(RECORD);
    const buffer = new Uint8Array(encoded.length + 9);
    buffer.set(encoded, 4);
    const decoded = decodeRootsRecord(buffer, 4, 4 + encoded.length);
    buffer.fill(0);
    expect(decoded).toEqual(RECORD);
  });

  test.each([
    {
      id: 'too few bytes',
      bytes: encodeRootsRecord({ ...RECORD, tableRoots: [] }).subarray(0, -1),
      reason: /too short/,
    },
    { id: 'no bytes', bytes: new Uint8Array(0), reason: /too short/ },
    { id: 'another format', bytes: encodeRootsRecord(RECORD).fill(2, 0, 1), reason: /unknown format 2/ },
    {
      id: 'fewer tables than stated',
      bytes: encodeRootsRecord(RECORD).subarray(0, -40),
      reason: /states 2 tables/,
    },
    { id: 'a part of a table', bytes: encodeRootsRecord(RECORD).subarray(0, -1), reason: /states 2 tables/ },
    {
      id: 'a count of four billion',
      bytes: encodeRootsRecord(RECORD).fill(0xff, 57, 61),
      reason: /states 4294967295/,
    },
    { id: 'a number above 2^53', bytes: encodeRootsRecord(RECORD).fill(0xff, 1, 9), reason: /above 2\^53/ },
  ])('is refused with $id', ({ bytes, reason }) => {
    expect(decode(bytes)).toMatch(reason);
  });

  test('with a root of another length is not written', () => {
    expect(() => encodeRootsRecord({ ...RECORD, masterRoot: new Uint8Array(31) })).toThrow(/invariant/);
    const tableRoots = [{ number: 1, root: new Uint8Array(33) }];
    expect(() => encodeRootsRecord({ ...RECORD, tableRoots })).toThrow(/invariant/);
  });

  test(`is what its bytes say or is refused in words, whatever the bytes (seed ${SEED}, 20,000 inputs)`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 20_000; round++) {
      const bytes = encodeRootsRecord(RECORD);
      for (let n = prng.below(3); n > 0; n--) bytes[prng.below(bytes.length)] = prng.nextU32();
      const part = bytes.subarray(0, prng.oneIn(3) ? prng.below(bytes.length + 1) : bytes.length);
      const decoded = decode(part);
      if (typeof decoded === 'string') continue;
      if (Buffer.compare(encodeRootsRecord(decoded), part) !== 0) expect.fail(`round ${round}`);
    }
  });
});
