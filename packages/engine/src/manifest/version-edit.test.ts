import { isDeepStrictEqual } from 'node:util';
import { ErrorCode, hasCode, isEngineError } from '@arena-level/common/base/errors';
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import { makeInternalKey } from '@arena-level/common/key/internal-key';
import { describe, expect, test } from 'vitest';
import { decodeVersionEdit, encodeVersionEdit, type VersionEdit } from './version-edit.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const hex = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value.replaceAll(' ', ''), 'hex'));
const key = (userKey: string, sequence = 1, kind = 1): Uint8Array =>
  makeInternalKey(new TextEncoder().encode(userKey), sequence, kind);
const decode = (bytes: Uint8Array): VersionEdit =>
  decodeVersionEdit(bytes, 0, bytes.length, 'MANIFEST-000001', 77);

function failureOf(bytes: Uint8Array): unknown {
  try {
    decode(bytes);
  } catch (error) {
    return error;
  }
  return undefined;
}

const EVERYTHING: VersionEdit = {
  comparator: 'leveldb.BytewiseComparator',
  logNumber: 300,
  prevLogNumber: 0,
  nextFileNumber: 70_000,
  lastSequence: MAX_SEQUENCE,
  compactPointers: [
    { level: 0, key: key('', 5) },
    { level: 6, key: key('x', MAX_SEQUENCE, 0) },
  ],
  deletedTables: [
    { level: 1, number: 12 },
    { level: 2, number: MAX_SEQUENCE },
  ],
  newTables: [
    { level: 3, table: { number: 14, size: 5_000_000_000, smallest: key('a', 9), largest: key('zz', 3) } },
  ],
};

describe('a version edit', () => {
  test('comes back as it was, with every field and with none', () => {
    expect(decode(encodeVersionEdit(EVERYTHING))).toEqual(EVERYTHING);
    expect(decode(encodeVersionEdit({}))).toEqual({});
    expect(encodeVersionEdit({}).length).toBe(0);
  });

  test('has LevelDB’s bytes', () => {
    const edit: VersionEdit = {
      logNumber: 4,
      prevLogNumber: 0,
      nextFileNumber: 6,
      lastSequence: 1868,
      newTables: [
        { level: 2, table: { number: 5, size: 35_643, smallest: key('k', 9), largest: key('m', 278, 0) } },
      ],
    };
    const expected = '0204 0900 0306 04cc0e 07 02 05 bb9602 09 6b0109000000000000 09 6d0016010000000000';
    expect(Buffer.from(encodeVersionEdit(edit)).toString('hex')).toBe(expected.replaceAll(' ', ''));
  });

  test('may state its fields in any order, the last number counting', () => {
    expect(decode(hex('0409 0205 0207 0303'))).toEqual({ lastSequence: 9, logNumber: 7, nextFileNumber: 3 });
  });

  test('does not share memory with the bytes it came from', () => {
    const bytes = encodeVersionEdit(EVERYTHING);
    const edit = decode(bytes);
    bytes.fill(0xff);
    expect(edit).toEqual(EVERYTHING);
  });

  test.each([
    { id: 'tag 8, which no release wrote', bytes: '08 00', reason: /unknown tag 8/ },
    { id: 'tag 10', bytes: '0204 0a00', reason: /unknown tag 10/ },
    { id: 'tag 0', bytes: '00', reason: /unknown tag 0/ },
    { id: 'a tag that does not end', bytes: 'ff', reason: /tag is cut short/ },
    { id: 'a number that is missing', bytes: '02', reason: /journal number is cut short/ },
    { id: 'a number of 2^53', bytes: '04 8080808080808010', reason: /last sequence number above 2\^53/ },
    { id: 'a number of 2^64 - 1', bytes: '03 ffffffffffffffffff01', reason: /next file number above 2\^53/ },
    { id: 'a number of eleven bytes', bytes: '03 ffffffffffffffffffff01', reason: /next file number/ },
    { id: 'level 7', bytes: '06 07 01', reason: /level 7/ },
    { id: 'level 99 of a pointer', bytes: '05 63 08 0101000000000000', reason: /level 99/ },
    { id: 'a comparator name beyond the end', bytes: '01 05 61', reason: /comparator name leads beyond/ },
    { id: 'a length of 4 GB', bytes: '01 ffffffff0f', reason: /comparator name leads beyond/ },
    {
      id: 'an internal key of 7 bytes',
      bytes: '05 00 07 01010000000000',
      reason: /7 bytes is no internal key/,
    },
    { id: 'an internal key of kind 2', bytes: '05 00 08 0201000000000000', reason: /unknown kind/ },
    {
      id: 'an internal key of sequence 2^56 - 1',
      bytes: '05 00 08 01ffffffffffffff',
      reason: /sequence number above/,
    },
    {
      id: 'a table without its largest key',
      bytes: '07 00 05 05 08 0101000000000000',
      reason: /largest key is cut/,
    },
  ])('is refused for $id, with file and offset', ({ bytes, reason }) => {
    const error = failureOf(hex(bytes));
    expect(error).toMatchObject({ code: ErrorCode.Corruption, file: 'MANIFEST-000001', offset: 77 });
    expect((error as Error).message).toMatch(reason);
  });

  test('is refused, or is another edit, when it is cut anywhere', () => {
    const bytes = encodeVersionEdit(EVERYTHING);
    for (let end = 0; end < bytes.length; end++) {
      try {
        expect(decodeVersionEdit(bytes, 0, end, 'MANIFEST-000001', 0)).not.toEqual(EVERYTHING);
      } catch (error) {
        expect(hasCode(error, ErrorCode.Corruption), `cut at ${end}`).toBe(true);
      }
    }
  });

  test(`is the edit its bytes say or a typed error, whatever the bytes (seed ${SEED}, 20,000 inputs)`, () => {
    const prng = new Prng(SEED);
    const sound = encodeVersionEdit(EVERYTHING);
    let decoded = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = prng.oneIn(3) ? new Uint8Array(prng.below(40)).map(() => prng.below(12)) : sound.slice();
      for (let n = prng.below(4); n > 0 && bytes.length > 0; n--)
        bytes[prng.below(bytes.length)] = prng.nextU32();
      try {
        const edit = decode(bytes);
        decoded++;
        const again = decode(encodeVersionEdit(edit));
        if (!isDeepStrictEqual(again, edit)) expect.fail(`round ${round}: encodes to another edit`);
      } catch (error) {
        if (!isEngineError(error) || error.code !== ErrorCode.Corruption) throw error;
      }
    }
    expect(decoded).toBeGreaterThan(1000);
  });

  test('with a number that is none is not written', () => {
    for (const logNumber of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => encodeVersionEdit({ logNumber })).toThrow(/invariant/);
    }
  });
});
