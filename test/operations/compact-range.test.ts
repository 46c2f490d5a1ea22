/** What `compactRange` owes its caller: abort, progress, and a store that is sound whatever becomes of the call. */
import { CompactionState } from '@arena-level/common/protocol/compaction-control';
import { type CompactRangeProgress, ErrorCode, type OpenOptions } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { CompactingStore } from '../compaction/compacting-store.ts';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import type { HeldStoreModules } from '../support/held-store.ts';

const ABORTED = { code: ErrorCode.Aborted };
const MANUAL = { autoCompaction: false };

/** Three tables of level 0, and nothing that compacts them unasked. */
async function openFilled(options = {}): Promise<CompactingStore> {
  const store = await CompactingStore.open({ ...MANUAL, ...options });
  for (let n = 0; n < 3; n++) await store.addTable(n * 5);
  return store;
}

/** A store that merges on this thread, a step at a time. */
async function openInline(options: OpenOptions): Promise<CompactingStore> {
  const modules = { executor: undefined } as unknown as HeldStoreModules;
  const store = await CompactingStore.open({ flush: 'inline', ...options }, modules);
  store.held.clock.msPerLook = 1;
  return store;
}

/** Tables in several levels, none over its size. */
async function openDeep(): Promise<CompactingStore> {
  const store = await openInline({ level1Size: 16 * 1024, levelSizeMultiplier: 2 });
  for (let round = 0; round < 12; round++) {
    for (let n = 0; n < 120; n++) await store.put(n * 10 + (round % 10));
    await store.store.flush();
  }
  await store.store.settled();
  expect(store.tables.slice(1, 4).every((tables) => tables > 0)).toBe(true);
  return store;
}

async function expectSound(store: CompactingStore): Promise<void> {
  await settle();
  store.expectTidy();
  store.expectContents();
  await store.expectContentsAfterReopen();
}

describe('a compaction of a range that is aborted', () => {
  test('before it begins does nothing', async () => {
    const store = await openFilled();
    const { signal } = aborted();
    await expect(store.store.compactRange(undefined, undefined, { signal })).rejects.toMatchObject(ABORTED);
    expect(store.count('compaction-started')).toBe(0);
    await expectSound(store);
  });

  test('while it flushes says so at once; the flush goes on', async () => {
    const store = await openFilled();
    store.held.executor.holds = true;
    await store.put(1000);
    const controller = new AbortController();
    const compaction = store.store.compactRange(undefined, undefined, { signal: controller.signal });
    await eventually(() => store.held.executor.held.length === 1);
    controller.abort();
    await expect(compaction).rejects.toMatchObject(ABORTED);
    store.held.executor.release();
    await eventually(() => store.tables[0] === 4);
    expect(store.count('compaction-started')).toBe(0);
    await expectSound(store);
  });

  test('while threads merge stops them and leaves nothing behind', async () => {
    const store = await openFilled();
    const controller = new AbortController();
    const compaction = store.store.compactRange(undefined, undefined, { signal: controller.signal });
    const held = await store.compaction();
    held.merge();
    controller.abort();
    await expect(compaction).rejects.toMatchObject(ABORTED);
    expect(held.state).toBe(CompactionState.Cancelled);
    held.stop();
    expect(store.tables[0]).toBe(3);
    await expectSound(store);
  });

  test('and answered well by its thread all the same changes nothing', async () => {
    const store = await openFilled();
    const controller = new AbortController();
    const compaction = store.store.compactRange(undefined, undefined, { signal: controller.signal });
    const held = await store.compaction();
    const answer = held.merge();
    controller.abort();
    await expect(compaction).rejects.toMatchObject(ABORTED);
    held.finish(() => answer);
    await settle();
    expect(store.count('table-compacted')).toBe(0);
    await expectSound(store);
  });

  test('when its outputs are built has them committed', async () => {
    const store = await openFilled();
    const controller = new AbortController();
    const compaction = store.store.compactRange(undefined, undefined, { signal: controller.signal });
    const refused = expect(compaction).rejects.toMatchObject(ABORTED);
    const { memory } = store;
    const rename = memory.renameNow.bind(memory);
    memory.renameNow = (from, to) => {
      controller.abort();
      rename(from, to);
    };
    (await store.compaction()).finish();
    await refused;
    await eventually(() => store.tables[0] === 0);
    await expectSound(store);
  });

  test('while it waits behind another one leaves that one alone, and those behind it', async () => {
    const store = await openFilled();
    const controller = new AbortController();
    const first = store.store.compactRange();
    const held = await store.compaction();
    const second = store.store.compactRange(undefined, undefined, { signal: controller.signal });
    const third = store.store.compactRange();
    await settle();
    controller.abort();
    await expect(second).rejects.toMatchObject(ABORTED);
    expect(held.state).toBe(CompactionState.Running);
    held.finish();
    await Promise.all([first, third]);
    expect(store.tables[0]).toBe(0);
    await expectSound(store);
  });

  test.each([0, 1, 2, 3, 5, 8])('on the thread of the store, %i turns in, leaves it sound', async (turns) => {
    const store = await openInline(MANUAL);
    for (let n = 0; n < 4; n++) await store.addTable(n * 50, 100);
    const controller = new AbortController();
    const compaction = store.store.compactRange(undefined, undefined, { signal: controller.signal });
    const outcome = compaction.then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    controller.abort();
    expect(await outcome).toBe(ErrorCode.Aborted);
    await store.store.settled();
    await settle();
    store.expectTidy();
    await store.store.compactRange();
    await expectSound(store);
  });
});

describe('the progress of a compaction of a range', () => {
  test('never goes back, and ends where all that was planned is done', async () => {
    const store = await openDeep();
    const reports: CompactRangeProgress[] = [];
    await store.store.compactRange(undefined, undefined, {
      onProgress: (report) => void reports.push(report),
    });
    expect(reports.length).toBeGreaterThan(3);
    for (const [i, { bytesDone, bytesPlanned }] of reports.entries()) {
      expect(bytesDone).toBeLessThanOrEqual(bytesPlanned);
      expect(bytesDone).toBeGreaterThanOrEqual(reports[i - 1]?.bytesDone ?? 0);
    }
    const last = reports.at(-1)!;
    expect(last.bytesDone).toBe(last.bytesPlanned);
    expect(last.bytesDone).toBeGreaterThan(0);
    // The plan is a sum over the levels: it is about right from the start.
    expect(reports[0]!.bytesPlanned).toBeGreaterThan(last.bytesDone / 2);
    expect(reports[0]!.bytesPlanned).toBeLessThan(last.bytesDone * 2);
    await expectSound(store);
  });

  test('does not go back when a blocking writer takes its step over', async () => {
    const store = await openFilled({ ...MANUAL, autoCompaction: true, writeBufferSize: 4096 });
    const reports: CompactRangeProgress[] = [];
    const compaction = store.store.compactRange(undefined, undefined, {
      onProgress: (report) => void reports.push(report),
    });
    const held = await store.compaction();
    held.merge();
    store.held.clock.advance(100);
    expect(reports.at(-1)!.bytesDone).toBeGreaterThan(0);
    for (let n = 0; store.held.executor.compactedNow === 0 && n < 3000; n++) store.putSync(n % 700);
    // Tables for another step.
    for (let n = 0; n < 200; n++) store.putSync(n);
    held.stop();
    await store.compaction();
    store.held.executor.releaseCompactions();
    await compaction;
    for (const [i, { bytesDone, bytesPlanned }] of reports.entries()) {
      expect(bytesDone).toBeLessThanOrEqual(bytesPlanned);
      expect(bytesDone).toBeGreaterThanOrEqual(reports[i - 1]?.bytesDone ?? 0);
    }
    expect(reports.at(-1)!.bytesDone).toBe(reports.at(-1)!.bytesPlanned);
    await expectSound(store);
  });

  test.each([1, 2, 3])(
    'is told to a function that throws at call %i: the caller hears of it',
    async (call) => {
      const store = await openFilled();
      const mistake = new Error('a mistake of the caller');
      let calls = 0;
      const compaction = store.store.compactRange(undefined, undefined, {
        onProgress: () => {
          calls++;
          if (calls === call) throw mistake;
        },
      });
      const caught = expect(compaction).rejects.toBe(mistake);
      if (call > 1) await store.compaction();
      else await settle();
      if (call === 2) store.held.clock.advance(100);
      if (call === 3) {
        store.held.clock.advance(100);
        store.held.executor.releaseCompactions();
      }
      await caught;
      expect(calls).toBe(call);
      expect(store.held.clock.alive).toBe(0);
      for (const held of [...store.compactions]) held.stop();
      // The next one is not in its way.
      store.held.executor.holdsCompactions = false;
      await store.store.compactRange();
      expect(store.tables[0]).toBe(0);
      await expectSound(store);
    },
  );
});

describe('compactions of ranges', () => {
  test('asked for together are all done', async () => {
    const store = await openFilled();
    store.held.executor.holdsCompactions = false;
    const all = [1, 2, 3, 4].map(() => store.store.compactRange());
    await store.addTable(100);
    await Promise.all([...all, store.store.compactRange()]);
    expect(store.tables[0]).toBe(0);
    await expectSound(store);
  });

  test('that run and wait are refused when the store is closed', async () => {
    const store = await openFilled();
    const first = store.store.compactRange();
    const held = await store.compaction();
    held.merge();
    const second = store.store.compactRange();
    await settle();
    const closed = store.store.close();
    const third = store.store.compactRange();
    for (const each of [first, second, third]) {
      await expect(each).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    }
    await closed;
    expect(store.files()).toHaveLength(3);
    await store.expectContentsAfterReopen();
  });

  test('whose flush is under way when the store is closed are refused', async () => {
    const store = await openFilled();
    store.held.executor.holds = true;
    await store.put(1000);
    const compaction = store.store.compactRange();
    const refused = expect(compaction).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await eventually(() => store.held.executor.held.length === 1);
    await store.store.close();
    await refused;
    await store.expectContentsAfterReopen();
  });

  test('go on behind a clear that wants the store for itself', async () => {
    const store = await openFilled();
    const compaction = store.store.compactRange();
    const held = await store.compaction();
    const cleared = store.store.clear();
    const again = store.store.compactRange();
    expect(await stateOf(cleared)).toBe('pending');
    store.held.executor.holdsCompactions = false;
    held.finish();
    await Promise.all([compaction, cleared, again]);
    store.expected.clear();
    expect(store.tables.reduce((sum, tables) => sum + tables)).toBe(0);
    await expectSound(store);
  });
});

function aborted(): AbortController {
  const controller = new AbortController();
  controller.abort();
  return controller;
}
