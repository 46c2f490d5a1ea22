import { expect, test } from 'vitest';
import { Dataset } from '../workloads/dataset.ts';
import { SMALL_SETTINGS } from '../workloads/small-settings.test-support.ts';
import { Reader } from './reader.ts';
import { shapeOf } from './shared-store.ts';

test('a reader reads until it is told to stop, in each of its runs', async () => {
  const shape = shapeOf(SMALL_SETTINGS);
  const data = new Dataset(shape);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  let left = Number.POSITIVE_INFINITY;
  const getSync = (key: Buffer): Uint8Array => {
    if (--left === 0) Atomics.add(stop, 0, 1);
    const value = data.newValue();
    // The number of the record is in its key.
    data.writeValue(value, key.readUInt32BE(8), 0);
    return value;
  };
  const reader = new Reader({ getSync }, { kind: 'read', shape, records: 100, seed: 1, stop: stop.buffer });
  for (const until of [1000, 100, 2000]) {
    left = Number.POSITIVE_INFINITY;
    await reader.warmUp();
    left = until;
    const { checked, reads } = await reader.run();
    // To the end of its turn.
    expect(reads).toBe(Math.ceil(until / 256) * 256);
    expect(checked).toBe(reads / 64);
  }
});
