import { ErrorCode } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { lines, openForIngest, SMALL, source } from '../ingest/ingest-store.ts';
import { settle } from '../support/eventually.ts';
import { Listening } from './listening.ts';

test('the channel of ingests tells of begin and end, what was stored and how, and of failures', async () => {
  const { store } = await openForIngest();
  const listening = new Listening();
  const { tables } = await store.ingest(source(lines(100)), SMALL);
  await store.ingest(source(lines(100)), SMALL);
  await expect(store.ingest(source(['x!']), SMALL)).rejects.toThrow('no value for x');
  await settle();
  expect(listening.of('arena-level:ingest')).toMatchObject([
    { phase: 'begin', reason: 'asked', threads: 2 },
    { phase: 'end', outcome: 'stored', path: 'tables', entries: 100, tables },
    { phase: 'begin' },
    { phase: 'end', outcome: 'stored', path: 'batches', entries: 100, tables: 0 },
    { phase: 'begin' },
    { phase: 'end', outcome: 'failed', error: { code: ErrorCode.InvalidArgument }, entries: 0 },
  ]);
  expect(listening.of('arena-level:error')).toMatchObject([
    { phase: 'begin', reason: 'ingest' },
    { phase: 'end', reason: 'ingest', outcome: 'passed' },
  ]);
  listening.expectPairs();
  await store.close();
});
