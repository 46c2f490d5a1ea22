import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { runNow } from '@arena-level/common/base/steps';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ErrorCode, open } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { VersionSet } from '../../packages/engine/src/version/version-set.ts';
import { bytes } from '../support/text-bytes.ts';

test('a store that has used up its sequence numbers refuses writes and is read on', async () => {
  const storage = new MemoryStorage();
  const versions = runNow(VersionSet.create(storage));
  runNow(versions.commit({ lastSequence: MAX_SEQUENCE - 1 }));
  versions.closeNow();

  const store = await open('limit', { flush: 'inline' }, { storage });
  await store.put(bytes('last'), bytes('1'));
  const tooLarge = { code: ErrorCode.TooLarge, message: expect.stringContaining('sequence numbers') };
  await expect(store.put(bytes('beyond'), bytes('2'))).rejects.toMatchObject(tooLarge);
  expect(() => store.putSync(bytes('beyond'), bytes('2'))).toThrow(expect.objectContaining(tooLarge));
  expect(store.stats().lastSequence).toBe(MAX_SEQUENCE);
  expect([...store.iterator()].map(([key]) => Buffer.from(key!).toString())).toEqual(['last']);
  await store.flush();
  await store.close();
});
