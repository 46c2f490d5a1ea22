import { ErrorCode } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { bytes, key } from '../support/text-bytes.ts';
import { ReaderThread } from './reader-thread.ts';
import { openStore, put } from './sharing-store.ts';

test('a thread clears a range by the owner: what it has written before, and what anybody has', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  for (let i = 0; i < 50; i++) await store.put(key(i), bytes('value'));
  await store.flush();
  await thread.call('putAndClear', 'k000020x', 'not waited for', { gte: 'k000010', lt: 'k000040' });
  expect(await thread.call('entries', { gte: 'k000009', lt: 'k000041' })).toEqual([
    'k000009=value',
    'k000040=value',
  ]);
  expect(store.hasSync(bytes('k000020x'))).toBe(false);
  await thread.call('clear', { gte: 'k000045', reverse: true }, 2);
  expect(await thread.call('entriesSync', { gte: 'k000045' })).toEqual([
    'k000045=value',
    'k000046=value',
    'k000047=value',
  ]);
  await store.flush();
  await thread.call('clear', {});
  expect(await thread.call('entries', {})).toEqual([]);
  expect(store.stats().clears.tables).toBeGreaterThan(0);
});

test('what is wrong with a range is said before the owner is asked, and a store that is closed by name', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  put(store, 'key', 'value');
  await expect(thread.call('clear', {}, 1.5)).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
  expect(store.stats().clears.count).toBe(0);
  await store.close();
  await expect(thread.call('clear', {})).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  await expect(thread.call('approximateSize', 'a', 'z')).rejects.toMatchObject({
    code: ErrorCode.DatabaseNotOpen,
  });
});

test('a thread tells the size of a range as the owner does', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  for (let i = 0; i < 200; i++) await store.put(key(i), bytes('v'.repeat(100)));
  await store.compactRange();
  const size = await store.approximateSize(key(50), key(150));
  expect(size).toBeGreaterThan(0);
  expect(await thread.call('approximateSize', 'k000050', 'k000150')).toBe(size);
});
