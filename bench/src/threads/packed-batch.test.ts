import { expect, test } from 'vitest';
import { packBatch, unpackBatch } from './packed-batch.ts';

test('a packed batch has all its entries in their order, the empty ones too', () => {
  const batch = [
    ['a', 'one'],
    ['', ''],
    ['longer key', ''],
    ['z', 'x'.repeat(1000)],
  ].map(([key, value]) => ({ type: 'put' as const, key: Buffer.from(key!), value: Buffer.from(value!) }));
  expect(unpackBatch(packBatch(batch))).toEqual(batch);
  expect(unpackBatch(packBatch([]))).toEqual([]);
});
