import { expect, test } from 'vitest';
import { closeAfter } from './close-after.ts';

test('the error of an ingest that failed says how many records were stored before', async () => {
  const closed: string[] = [];
  const store = { close: async () => void closed.push('closed') };
  expect((await closeAfter(new Error('the cable is out'), store, 1)).message).toBe(
    'the cable is out; 1 record was stored before',
  );
  expect(closed).toEqual(['closed']);
});

test('the error of an ingest that failed has that of the close, too', async () => {
  const store = { close: () => Promise.reject(new Error('the sync failed')) };
  expect((await closeAfter(new Error('the cable is out'), store, 2)).message).toBe(
    'the cable is out; 2 records were stored before; closing the store failed, too: the sync failed',
  );
});
