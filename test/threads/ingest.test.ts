/** Tables that an ingest puts in, seen by threads that are attached meanwhile. */
import { expect, test } from 'vitest';
import { PAIRS } from '../ingest/ingest-store.ts';
import { bytes } from '../support/text-bytes.ts';
import { ReaderThread } from './reader-thread.ts';
import { openStore, put } from './sharing-store.ts';

test('an attached thread sees ingested tables once the ingest is acknowledged, a snapshot of before does not', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  put(store, 'a', 'before');
  await thread.call('snapshot', 'before');
  const given = Array.from({ length: 300 }, (_, i) => `m${String(i).padStart(4, '0')}=value ${i}\n`);
  const report = await store.ingest(given, { parse: PAIRS, threads: 1, pieceBytes: 1000 });
  expect(report.path).toBe('tables');
  expect(await thread.call('getSync', 'm0000')).toBe('value 0');
  expect(await thread.call('getSync', 'm0299')).toBe('value 299');
  expect(await thread.call('entries', { gte: 'm' })).toHaveLength(300);
  expect(await thread.call('getSync', 'm0000', 'before')).toBeUndefined();
  put(store, 'm0000', 'after');
  expect(await thread.call('getSync', 'm0000')).toBe('after');
  expect(store.getSync(bytes('m0001'))?.toString()).toBe('value 1');
});
