import { MAX_ARENA_ENTRIES } from '@arena-level/common/arena/layout';
import { MAX_KEY_BYTES, MAX_SEQUENCE, MAX_VALUE_BYTES } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import { encodeVarint32 } from '@arena-level/common/bytes/varint';
import { encodeDeleteRecord, encodePutRecord } from '@arena-level/common/key/batch-record';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { describe, expect, test } from 'vitest';
import {
  BATCH_HEADER_BYTES,
  type BatchProblem,
  type BatchSummary,
  readBatchCount,
  readBatchSequence,
  validateBatch,
  writeBatchHeader,
} from './batch-codec.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const check = (batch: Uint8Array): unknown => validateBatch(batch, 0, batch.length);

interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

function encode(sequence: number, writes: readonly Write[]): Uint8Array {
  const target = new Uint8Array(
    BATCH_HEADER_BYTES +
      writes.reduce((sum, { key, value }) => sum + 11 + key.length + (value?.length ?? 0), 0),
  );
  writeBatchHeader(target, 0, sequence, writes.length);
  let at = BATCH_HEADER_BYTES;
  for (const { key, value } of writes) {
    at = value === undefined ? encodeDeleteRecord(target, at, key) : encodePutRecord(target, at, key, value);
  }
  return target.slice(0, at);
}

describe('validateBatch', () => {
  test('takes LevelDB’s batch of a put and a delete, and counts its records and bytes by kind', () => {
    const batch = bytes('0100000000000000 02000000 01 01 61 01 62 00 01 63');
    expect(check(batch)).toEqual({
      kind: 'valid',
      sequence: 1,
      puts: 1,
      deletes: 1,
      putBytes: 5,
      deleteBytes: 3,
    });
    expect(readBatchSequence(batch, 0)).toBe(1);
    expect(readBatchCount(batch, 0)).toBe(2);
  });

  test('takes a batch of nothing, and empty keys and values', () => {
    expect(check(encode(7, []))).toMatchObject({ kind: 'valid', sequence: 7, puts: 0, deletes: 0 });
    expect(check(encode(0, []))).toMatchObject({ kind: 'valid', sequence: 0, puts: 0, deletes: 0 });
    const empty = new Uint8Array(0);
    expect(check(encode(7, [{ key: empty, value: empty }]))).toMatchObject({
      kind: 'valid',
      puts: 1,
      putBytes: 3,
    });
  });

  test.each([
    { id: 'a cut header', hex: '0100000000000000 020000', offset: 0, reason: /shorter than its header/ },
    { id: 'an unknown kind', hex: '0100000000000000 01000000 02 01 61', offset: 12, reason: /kind/ },
    {
      id: 'a second record of unknown kind',
      hex: '0100000000000000 02000000 00 01 61 ff',
      offset: 15,
      reason: /kind/,
    },
    { id: 'a missing key length', hex: '0100000000000000 01000000 00', offset: 12, reason: /key/ },
    { id: 'a key beyond the end', hex: '0100000000000000 01000000 00 02 61', offset: 12, reason: /key/ },
    {
      id: 'a key length of six bytes',
      hex: '0100000000000000 01000000 00 ffffffffff01',
      offset: 12,
      reason: /key/,
    },
    {
      id: 'a key length above 32 bits',
      hex: '0100000000000000 01000000 00 ffffffff1f',
      offset: 12,
      reason: /key/,
    },
    { id: 'a missing value length', hex: '0100000000000000 01000000 01 01 61', offset: 12, reason: /value/ },
    {
      id: 'a value beyond the end',
      hex: '0100000000000000 01000000 01 01 61 05 62',
      offset: 12,
      reason: /value/,
    },
    {
      id: 'fewer records than stated',
      hex: '0100000000000000 03000000 00 01 61',
      offset: 0,
      reason: /3 records and holds 1/,
    },
    {
      id: 'more records than stated',
      hex: '0100000000000000 00000000 00 01 61',
      offset: 0,
      reason: /0 records and holds 1/,
    },
    {
      id: 'a write with sequence number 0',
      hex: '0000000000000000 01000000 00 01 61',
      offset: 0,
      reason: /sequence number 0/,
    },
    {
      id: 'a sequence number of 2^53',
      hex: '0000000000002000 01000000 00 01 61',
      offset: 0,
      reason: /2\^53/,
    },
    {
      id: 'a sequence number of 2^56 - 1',
      hex: 'ffffffffffffff00 01000000 00 01 61',
      offset: 0,
      reason: /2\^53/,
    },
  ])('refuses $id', ({ hex, offset, reason }) => {
    const batch = bytes(hex);
    expect(check(batch)).toEqual({ kind: 'invalid', offset, reason: expect.stringMatching(reason) });
    const moved = new Uint8Array(batch.length + 20).fill(1);
    moved.set(batch, 10);
    expect(validateBatch(moved, 10, 10 + batch.length)).toEqual(check(batch));
  });

  test('takes sequence numbers up to the limit, the last record’s included', () => {
    const key = new Uint8Array([1]);
    const writes = [1, 2, 3].map(() => ({ key, value: undefined }));
    expect(check(encode(MAX_SEQUENCE - 2, writes))).toMatchObject({
      kind: 'valid',
      sequence: MAX_SEQUENCE - 2,
    });
    expect(check(encode(MAX_SEQUENCE - 1, writes))).toMatchObject({ kind: 'invalid' });
  });

  test('refuses a key above the limit and takes one at it', () => {
    expect(check(encode(1, [{ key: new Uint8Array(MAX_KEY_BYTES), value: undefined }]))).toMatchObject({
      kind: 'valid',
    });
    const tooLong = new Uint8Array(BATCH_HEADER_BYTES + 6 + MAX_KEY_BYTES + 1);
    writeBatchHeader(tooLong, 0, 1, 1);
    const end = encodeVarint32(tooLong, BATCH_HEADER_BYTES + 1, MAX_KEY_BYTES + 1) + MAX_KEY_BYTES + 1;
    expect(validateBatch(tooLong, 0, end)).toMatchObject({
      kind: 'unsupported',
      reason: expect.stringMatching(/limit/),
    });
  });

  test('refuses a value above the limit and takes one at it', () => {
    const batchOf = (valueBytes: number): BatchSummary | BatchProblem => {
      const batch = new Uint8Array(BATCH_HEADER_BYTES + 7 + valueBytes);
      writeBatchHeader(batch, 0, 1, 1);
      batch[BATCH_HEADER_BYTES] = ValueKind.Put;
      encodeVarint32(batch, BATCH_HEADER_BYTES + 2, valueBytes);
      return validateBatch(batch, 0, batch.length);
    };
    expect(batchOf(MAX_VALUE_BYTES)).toMatchObject({ kind: 'valid', puts: 1 });
    expect(batchOf(MAX_VALUE_BYTES + 1)).toEqual({
      kind: 'unsupported',
      offset: BATCH_HEADER_BYTES,
      reason: 'value is longer than the limit',
    });
  });

  test('refuses a batch of more records than an arena holds, however small', () => {
    const batch = new Uint8Array(BATCH_HEADER_BYTES + 2 * (MAX_ARENA_ENTRIES + 1));
    writeBatchHeader(batch, 0, 1, MAX_ARENA_ENTRIES + 1);
    expect(check(batch)).toMatchObject({
      kind: 'unsupported',
      offset: 0,
      reason: expect.stringMatching(/limits/),
    });
    writeBatchHeader(batch, 0, 1, MAX_ARENA_ENTRIES);
    expect(validateBatch(batch, 0, batch.length - 2)).toMatchObject({ kind: 'valid' });
  });

  test('refuses a batch that is cut anywhere', () => {
    const prng = new Prng(SEED);
    const writes = Array.from({ length: 20 }, () => randomWrite(prng));
    const batch = encode(99, writes);
    expect(check(batch)).toMatchObject({ kind: 'valid' });
    for (let end = 0; end < batch.length; end++) {
      expect(validateBatch(batch, 0, end), `cut at ${end}`).toMatchObject({ kind: 'invalid' });
    }
  });

  test(`never reads outside of the batch, nor counts what is not there (seed ${SEED}, 20,000 inputs)`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 20_000; round++) {
      const writes = Array.from({ length: prng.below(5) }, () => randomWrite(prng));
      const batch = encode(prng.nextU32(), writes);
      for (let n = prng.below(3); n > 0; n--) batch[prng.below(batch.length)] = prng.nextU32();
      const end = prng.oneIn(2) ? batch.length : prng.below(batch.length + 1);
      const result = validateBatch(batch, 0, end);
      // A batch of its own, without anything behind it, must be judged alike.
      const alone = validateBatch(batch.slice(0, end), 0, end);
      if (JSON.stringify(alone) !== JSON.stringify(result))
        expect.fail(`round ${round}: reads beyond the end`);
      if (result.kind === 'valid' && BATCH_HEADER_BYTES + result.putBytes + result.deleteBytes !== end) {
        expect.fail(`round ${round}: bytes are not accounted for`);
      }
    }
  });
});

function randomWrite(prng: Prng): Write {
  const key = new Uint8Array(prng.below(20)).map(() => prng.nextU32());
  return {
    key,
    value: prng.oneIn(3) ? undefined : new Uint8Array(prng.below(200)).map(() => prng.nextU32()),
  };
}
