/** Compactions that are paused for flushes, whatever becomes of these. One core: each flush pauses. */
import { CompactionState } from '@arena-level/common/protocol/compaction-control';
import type { OpenOptions } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { PauseGate } from '../../packages/engine/src/compaction/pause-gate.ts';
import { eventually, settle } from '../support/eventually.ts';
import { CompactingStore } from './compacting-store.ts';

const { Running, Paused, Cancelled } = CompactionState;

async function openGated(pauseGate = new PauseGate(1), options: OpenOptions = {}): Promise<CompactingStore> {
  return CompactingStore.open({ level0SlowdownTrigger: 7, ...options }, { pauseGate });
}

/** A compaction under way, and a flush that begins beside it and is not answered. */
async function openPaused(options: OpenOptions = {}) {
  const store = await openGated(undefined, options);
  await store.fillLevel0();
  const compaction = await store.compaction();
  expect(compaction.state).toBe(Running);
  const flush = await beginFlush(store);
  expect(compaction.state).toBe(Paused);
  return { store, compaction, flush };
}

async function beginFlush(store: CompactingStore) {
  const { executor } = store.held;
  executor.holds = true;
  await store.put(500);
  const flushed = store.store.flush().then(
    () => 'flushed',
    () => 'failed',
  );
  await eventually(() => executor.held.length > 0, 'a build begins');
  return { flushed, build: () => executor.held[0]! };
}

async function expectSound(store: CompactingStore): Promise<void> {
  store.held.executor.release();
  store.held.executor.releaseCompactions();
  await store.store.settled();
  await settle();
  store.expectTidy();
  store.expectContents();
  await store.expectContentsAfterReopen();
}

describe('a compaction that is paused for a flush goes on', () => {
  test('when the flush is done', async () => {
    const { store, compaction, flush } = await openPaused();
    flush.build().finish();
    expect(await flush.flushed).toBe('flushed');
    expect(compaction.state).toBe(Running);
    expect(store.store.stats().compactions.pauses).toBe(1);
    await expectSound(store);
  });

  test.each(['fail', 'crash'] as const)(
    'when the flush comes to nothing (%s), until it is tried again',
    async (how) => {
      const { store, compaction, flush } = await openPaused();
      for (let attempt = 1; attempt <= 3; attempt++) {
        if (how === 'fail') flush.build().fail('ENOSPC');
        else flush.build().crash();
        await eventually(() => store.count('flush-failed') === attempt);
        // Between two attempts.
        expect(compaction.state).toBe(Running);
        store.held.clock.advance(8000);
        await eventually(() => store.held.executor.held.length > 0);
        expect(compaction.state).toBe(Paused);
      }
      flush.build().finish();
      await eventually(() => store.tables[0] === 5);
      expect(compaction.state).toBe(Running);
      compaction.finish();
      await eventually(() => store.count('compaction-finished') === 1);
      await expectSound(store);
    },
  );

  test('when the flush fails for good and writes stop', async () => {
    const { store, compaction, flush } = await openPaused();
    flush.build().fail('EACCES');
    await eventually(() => store.count('flush-failed') === 1);
    store.held.clock.advance(8000);
    await eventually(() => store.held.executor.held.length > 0);
    flush.build().fail('EACCES');
    await eventually(() => store.count('writes-stopped') === 1);
    expect(compaction.state).toBe(Running);
    compaction.finish();
    await eventually(() => store.count('compaction-finished') === 1);
    store.held.executor.holds = false;
    await store.store.resume();
    await expectSound(store);
  });

  test('when a blocking writer has taken the flush over and its thread has answered', async () => {
    const { store, compaction, flush } = await openPaused();
    for (let n = 0; store.held.executor.builtNow === 0 && n < 3000; n++) store.putSync(n % 100);
    // The thread still works.
    expect(compaction.state).toBe(Paused);
    store.held.executor.release();
    await settle();
    expect(await flush.flushed).toBe('flushed');
    expect(compaction.state).toBe(Running);
    await expectSound(store);
  });

  test('when each of several flushes has ended', async () => {
    const { store, compaction, flush } = await openPaused({ flushWorkers: 2, writeBufferSize: 4096 });
    for (let n = 0; store.held.executor.held.length < 2 && n < 3000; n++) await store.put(n % 100);
    flush.build().finish();
    await settle();
    expect(compaction.state).toBe(Paused);
    flush.build().finish();
    await settle();
    expect(compaction.state).toBe(Running);
    await expectSound(store);
  });

  test('when level 0 comes to the slowdown trigger: then it is what writers wait for', async () => {
    const { store, compaction, flush } = await openPaused();
    flush.build().finish();
    await flush.flushed;
    store.held.executor.holds = false;
    for (let n = 0; n < 2; n++) await store.addTable();
    const last = await beginFlush(store);
    expect(store.tables[0]).toBe(7);
    expect(compaction.state).toBe(Running);
    last.build().finish();
    await last.flushed;
    await expectSound(store);
  });
});

test('a compaction that is paused when the store is closed is cancelled, and the close ends', async () => {
  const { store, compaction, flush } = await openPaused();
  await store.store.close();
  expect(compaction.state).toBe(Cancelled);
  expect(await flush.flushed).toBe('failed');
  expect(store.files().filter((name) => name.endsWith('.ldb'))).toHaveLength(4);
  await store.expectContentsAfterReopen();
});

describe('of two stores that share the cores', () => {
  test("the one's flushes pause the other's compaction, and are not held up by it", async () => {
    const gate = new PauseGate(1);
    const merging = await openGated(gate);
    const writing = await openGated(gate);
    await merging.fillLevel0();
    const compaction = await merging.compaction();
    for (let n = 0; n < 3; n++) {
      const flush = await beginFlush(writing);
      expect(compaction.state).toBe(Paused);
      flush.build().finish();
      expect(await flush.flushed).toBe('flushed');
      // Between any two flushes it goes on.
      expect(compaction.state).toBe(Running);
    }
    await expectSound(merging);
    await expectSound(writing);
  });

  test('one that is closed in the middle of a flush lets the other one go on', async () => {
    const gate = new PauseGate(1);
    const merging = await openGated(gate);
    const writing = await openGated(gate);
    await merging.fillLevel0();
    const compaction = await merging.compaction();
    const flush = await beginFlush(writing);
    expect(compaction.state).toBe(Paused);
    await writing.store.close();
    expect(await flush.flushed).toBe('failed');
    expect(compaction.state).toBe(Running);
    await expectSound(merging);
    await writing.expectContentsAfterReopen();
  });
});
