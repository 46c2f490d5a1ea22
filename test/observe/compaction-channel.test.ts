import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { describe, expect, test } from 'vitest';
import { CompactingStore } from '../compaction/compacting-store.ts';
import { eventually, settle } from '../support/eventually.ts';
import { Listening } from './listening.ts';

describe('the channel of compactions', () => {
  test('tells of levels, sizes and what came of it', async () => {
    const compacting = await CompactingStore.open();
    const listening = new Listening();
    await compacting.fillLevel0();
    const before = compacting.store.stats().levels[0]!.bytes;
    (await compacting.compaction()).finish();
    await eventually(() => compacting.count('compaction-finished') === 1);
    await settle();
    const after = compacting.store.stats().levels[1]!;
    expect(listening.of('arena-level:compaction')).toMatchObject([
      {
        phase: 'begin',
        reason: 'level0',
        level: 0,
        outputLevel: 1,
        tables: 4,
        bytes: before,
        moves: false,
        parts: 1,
      },
      {
        phase: 'end',
        outcome: 'committed',
        level: 0,
        outputLevel: 1,
        tables: after.tables,
        bytesRead: expect.toSatisfy((size: number) => size > 0 && size <= before),
        bytesWritten: after.bytes,
        entries: 80,
      },
    ]);
    listening.expectPairs();
    await compacting.store.close();
  });

  test('tells of one that fails and of the next attempt', async () => {
    const compacting = await CompactingStore.open();
    const listening = new Listening();
    await compacting.fillLevel0();
    (await compacting.compaction()).fail('ENOSPC');
    await settle();
    compacting.held.clock.advance(1000);
    (await compacting.compaction()).finish();
    await eventually(() => compacting.count('compaction-finished') === 1);
    await settle();
    expect(listening.of('arena-level:compaction')).toMatchObject([
      { phase: 'begin' },
      { phase: 'end', outcome: 'failed', retryInMs: 1000, tables: 0, bytesWritten: 0 },
      { phase: 'begin' },
      { phase: 'end', outcome: 'committed' },
    ]);
    expect(listening.of('arena-level:error')).toMatchObject([
      { phase: 'begin', reason: 'compaction', retryInMs: 1000 },
      { phase: 'end', reason: 'compaction', outcome: 'passed', durationMs: 1000 },
    ]);
    listening.expectPairs();
    await compacting.store.close();
  });

  test('tells of a commit that is repeated', async () => {
    let faults: FaultStorage | undefined;
    const compacting = await CompactingStore.open(
      {},
      {
        wrap: (inner) => {
          faults = new FaultStorage(inner);
          return faults;
        },
      },
    );
    await compacting.fillLevel0();
    const listening = new Listening();
    faults!.install({
      rules: [{ operation: 'sync', type: 'manifest', nth: 1, times: 1, effect: 'error', errno: 'ENOSPC' }],
    });
    (await compacting.compaction()).finish();
    await eventually(() => compacting.count('compaction-failed') === 1);
    await settle();
    compacting.held.clock.advance(1000);
    await eventually(() => compacting.count('compaction-finished') === 1);
    await settle();
    expect(listening.of('arena-level:compaction')).toMatchObject([
      { phase: 'end', outcome: 'failed' },
      { phase: 'begin' },
      { phase: 'end', outcome: 'committed', entries: 80 },
    ]);
    await compacting.store.close();
  });

  test('tells of one that is given up, and of one that ends with the store', async () => {
    const compacting = await CompactingStore.open({ autoCompaction: false });
    await compacting.fillLevel0();
    const listening = new Listening();
    const abort = new AbortController();
    const compacted = compacting.store
      .compactRange(undefined, undefined, { signal: abort.signal })
      .catch(() => {});
    const first = await compacting.compaction();
    abort.abort();
    await compacted;
    await settle();
    first.finish();
    expect(listening.of('arena-level:compaction')).toMatchObject([
      { phase: 'begin', reason: 'range' },
      { phase: 'end', reason: 'range', outcome: 'superseded' },
    ]);
    const again = compacting.store.compactRange().catch(() => {});
    await compacting.compaction();
    await Promise.all([again, compacting.store.close()]);
    await settle();
    expect(listening.of('arena-level:compaction').at(-1)).toMatchObject({
      phase: 'end',
      outcome: 'superseded',
    });
    listening.expectPairs();
  });
});

describe('the channel of clears', () => {
  test('tells what was dropped and what was deleted key by key', async () => {
    const compacting = await CompactingStore.open({ autoCompaction: false });
    await compacting.addTable(0, 20);
    await compacting.put(30);
    const listening = new Listening(['arena-level:clear']);
    await compacting.store.clear();
    await compacting.put(1);
    await compacting.store.clear({ limit: 1 });
    await settle();
    expect(listening.of('arena-level:clear')).toMatchObject([
      { phase: 'begin', reason: 'all' },
      { phase: 'end', reason: 'all', outcome: 'cleared', tables: 1, tombstones: 1 },
      { phase: 'begin', reason: 'range' },
      { phase: 'end', reason: 'range', outcome: 'cleared', tables: 0, tombstones: 1 },
    ]);
    listening.expectPairs();
    await compacting.store.close();
  });

  test('tells of one that fails', async () => {
    let faults: FaultStorage | undefined;
    const compacting = await CompactingStore.open(
      {},
      {
        wrap: (inner) => {
          faults = new FaultStorage(inner);
          return faults;
        },
      },
    );
    await compacting.put(1);
    const listening = new Listening();
    faults!.install({
      rules: [{ operation: 'write', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
    });
    const error = await compacting.store.clear().catch((caught: unknown) => caught);
    await settle();
    expect(error).toMatchObject({ code: 'ARENA_WRITE_OUTCOME_UNKNOWN' });
    expect(listening.of('arena-level:clear')).toMatchObject([
      { phase: 'begin' },
      { phase: 'end', outcome: 'failed', error },
    ]);
    await compacting.store.close();
    await settle();
    listening.expectPairs();
  });
});
