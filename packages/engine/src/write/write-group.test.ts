import { ErrorCode } from '@arena-level/common/base/errors';
import { describe, expect, test } from 'vitest';
import {
  BATCH_HEADER_BYTES,
  readBatchCount,
  readBatchSequence,
  validateBatch,
} from '../journal/batch-codec.ts';
import type { BatchOperation } from '../public/public-types.ts';
import { WriteGroup } from './write-group.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('a group', () => {
  test('is a valid batch of all that was added', () => {
    const group = new WriteGroup();
    expect(group.isEmpty).toBe(true);
    group.addPut(bytes('a'), bytes('1'));
    group.addDelete(bytes('b'));
    group.addBatch([{ type: 'put', key: bytes('c'), value: bytes('') }], 4);
    group.seal(77);
    expect(group.isEmpty).toBe(false);
    expect(group.recordBytes).toBe(group.end - BATCH_HEADER_BYTES);
    expect(readBatchSequence(group.bytes, 0)).toBe(77);
    expect(readBatchCount(group.bytes, 0)).toBe(3);
    expect(validateBatch(group.bytes, 0, group.end)).toMatchObject({ kind: 'valid', puts: 2, deletes: 1 });
  });

  test('grows with what is added, whatever buffer it began with', () => {
    for (const first of [undefined, new Uint8Array(0), new Uint8Array(13)]) {
      const group = new WriteGroup(first);
      for (let i = 0; i < 300; i++) group.addPut(bytes(`key ${i}`), bytes('v'.repeat(i)));
      group.seal(1);
      expect(validateBatch(group.bytes, 0, group.end)).toMatchObject({ kind: 'valid', puts: 300 });
    }
  });

  test('takes the records of another thread as they are, or nothing of them', () => {
    const other = new WriteGroup();
    other.addPut(bytes('b'), bytes('2'));
    other.addDelete(bytes('c'));
    const group = new WriteGroup();
    group.addPut(bytes('a'), bytes('1'));
    group.addRecords(other.bytes, BATCH_HEADER_BYTES, other.end, 2);
    const { end } = group;
    const refused = expect.objectContaining({ code: ErrorCode.InvalidArgument });
    expect(() => group.addRecords(other.bytes, BATCH_HEADER_BYTES, other.end, 3)).toThrow(refused);
    expect(() => group.addRecords(other.bytes, BATCH_HEADER_BYTES, other.end - 1, 2)).toThrow(refused);
    expect(() => group.addRecords(bytes('no'), 0, 2, 1)).toThrow(refused);
    expect([group.end, group.entries]).toEqual([end, 3]);
    group.seal(1);
    expect(validateBatch(group.bytes, 0, group.end)).toMatchObject({ kind: 'valid', puts: 2, deletes: 1 });
  });

  test('needs no buffer of its own when it is given one', () => {
    const buffer = new Uint8Array(100);
    const group = new WriteGroup(buffer);
    group.addPut(bytes('k'), bytes('v'));
    expect(group.bytes).toBe(buffer);
  });

  test('takes a batch whole or not at all', () => {
    const group = new WriteGroup();
    group.addPut(bytes('before'), bytes('1'));
    const { end, entries } = group;
    const broken = [
      { type: 'put', key: bytes('a'), value: bytes('1') },
      undefined,
    ] as unknown as BatchOperation[];
    expect(() => group.addBatch(broken, 10)).toThrow('changed');
    expect([group.end, group.entries]).toEqual([end, entries]);
  });
});

describe('its promises', () => {
  test('are one for all that wait for the write, and one for all that wait for the disk', async () => {
    const group = new WriteGroup();
    expect(group.wantsSync).toBe(false);
    const written = group.promise(false);
    const durable = group.promise(true);
    expect(group.wantsSync).toBe(true);
    expect(group.promise(false)).toBe(written);
    expect(group.promise(true)).toBe(durable);
    expect(durable).not.toBe(written);
    const order: string[] = [];
    const ended = Promise.all([
      written.then(() => order.push('written')),
      durable.then(() => order.push('durable')),
    ]);
    group.acknowledgeDurable();
    group.acknowledgeWritten();
    await ended;
    expect(order).toEqual(['durable', 'written']);
  });

  test('are both rejected by a failure, which is kept', async () => {
    const group = new WriteGroup();
    const outcomes = Promise.allSettled([group.promise(false), group.promise(true)]);
    const failure = new Error('no room');
    group.reject(failure);
    expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    expect(group.failure).toBe(failure);
  });

  test('nobody asked for reject nothing', async () => {
    const group = new WriteGroup();
    group.reject(new Error('unheard'));
    group.rejectDurable(new Error('unheard'));
    group.acknowledgeWritten();
    await new Promise((resolve) => setImmediate(resolve));
    expect(group.failure).toMatchObject({ message: 'unheard' });
  });
});
