import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Dataset, type KeyOrder, WrongResult } from './dataset.ts';

const dataset = (order: KeyOrder, compressible = 0.5, valueBytes = 100): Dataset =>
  new Dataset({ keyBytes: 16, valueBytes, compressible, order });

describe('keys', () => {
  test.each(['random', 'ordered'] as const)('are another one for each record: %s', (order) => {
    const data = dataset(order);
    const keys = new Set(Array.from({ length: 20_000 }, (_, record) => data.keyOf(record).toString('hex')));
    expect(keys.size).toBe(20_000);
  });

  test('that are ordered ascend with their records', () => {
    const data = dataset('ordered');
    for (const record of [0, 1, 9, 10, 99, 12_345, 999_999_999]) {
      expect(Buffer.compare(data.keyOf(record), data.keyOf(record + 1))).toBe(-1);
    }
  });

  test('that are random are in order half of the time', () => {
    const data = dataset('random');
    let ascending = 0;
    for (let record = 0; record < 2000; record++) {
      if (Buffer.compare(data.keyOf(record), data.keyOf(record + 1)) < 0) ascending++;
    }
    expect(ascending).toBeGreaterThan(900);
    expect(ascending).toBeLessThan(1100);
  });

  test('are of the size that was asked for', () => {
    const data = new Dataset({ keyBytes: 40, valueBytes: 8, compressible: 0, order: 'random' });
    expect(data.keyOf(5).length).toBe(40);
    expect(data.keyOf(5).subarray(12)).not.toEqual(data.keyOf(6).subarray(12));
  });
});

describe('values', () => {
  const aValue = (data: Dataset, record: number, version: number): Buffer => {
    const value = data.newValue();
    data.writeValue(value, record, version);
    return value;
  };

  test('pass the check of their record and version', () => {
    const data = dataset('random');
    data.checkValue(aValue(data, 12, 3), 12, 3);
    data.checkValue(aValue(data, 12, 3), 12);
  });

  test.each<[string, (data: Dataset) => void]>([
    ['nothing', (data) => data.checkValue(undefined, 12)],
    ['the value of another record', (data) => data.checkValue(aValue(data, 13, 0), 12)],
    ['an older version', (data) => data.checkValue(aValue(data, 12, 2), 12, 3)],
    ['a value cut off', (data) => data.checkValue(aValue(data, 12, 0).subarray(0, 99), 12)],
    ['no bytes', (data) => data.checkValue(new Uint8Array(0), 12)],
    [
      'one wrong byte',
      (data) => {
        const value = aValue(data, 12, 0);
        value[50]! ^= 1;
        data.checkValue(value, 12, 0);
      },
    ],
  ])('%s does not', (_, check) => {
    expect(() => check(dataset('random'))).toThrow(WrongResult);
  });

  test.each([0, 0.5, 1])('compress by the share that was asked for: %d', (compressible) => {
    const data = dataset('random', compressible, 4096);
    const compressed = deflateRawSync(aValue(data, 1, 1)).length / 4096;
    expect(Math.abs(1 - compressed - compressible)).toBeLessThan(0.15);
  });
});
