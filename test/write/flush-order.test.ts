import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ErrorCode } from '@arena-level/common/base/errors';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import type { BuiltOutcome, FlushOutcome } from '../support/held-executor.ts';
import { type HeldStore, openHeld, reopen } from '../support/held-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

/** A store with one write in a frozen memtable, whose build waits to be answered. */
async function openFrozen(): Promise<HeldStore & { readonly flushed: Promise<void> }> {
  const held = await openHeld();
  await held.store.put(key(1), VALUE);
  const flushed = held.store.flush();
  flushed.catch(() => {});
  await settle();
  expect(held.executor.held).toHaveLength(1);
  return { ...held, flushed };
}

describe('a flush that fails', () => {
  test('is tried again after 1, 2, 4, 8 and 8 s, and after 1 s when one has succeeded in between', async () => {
    const { store, executor, clock, trace } = await openFrozen();
    const announced: number[] = [];
    for (const seconds of [1, 2, 4, 8, 8]) {
      executor.held[0]!.fail('ENOSPC');
      await settle();
      expect(executor.held).toHaveLength(0);
      clock.advance(seconds * 1000 - 1);
      expect(executor.held).toHaveLength(0);
      clock.advance(1);
      expect(executor.held).toHaveLength(1);
    }
    for (const { name, details } of trace) if (name === 'flush-failed') announced.push(details.retryInMs);
    expect(announced).toEqual([1000, 2000, 4000, 8000, 8000]);
    executor.held[0]!.finish();
    await eventually(() => store.stats().memtables.frozen === 0);

    await store.put(key(2), VALUE);
    await store.rotateMemtable();
    executor.held[0]!.fail('ENOSPC');
    await settle();
    clock.advance(1000);
    expect(executor.held).toHaveLength(1);
    executor.release();
    await store.flush();
    expect(store.stats().flushes).toMatchObject({ count: 2, failed: 6, entries: 2 });
    await store.close();
  });

  test('for a cause that does not pass by itself is tried once more, and then stops writes, not reads', async () => {
    const { store, executor, clock, names, flushed } = await openFrozen();
    executor.held[0]!.fail('EIO');
    await expect(flushed).rejects.toMatchObject({ code: ErrorCode.IoError });
    await store.put(key(2), VALUE);
    clock.advance(1000);
    executor.held[0]!.fail('EIO');
    await settle();
    expect(names()).toContain('writes-stopped');
    clock.advance(60_000);
    expect(executor.held).toHaveLength(0);
    await expect(store.put(key(3), VALUE)).rejects.toMatchObject({ code: ErrorCode.WritesStopped });
    expect(() => store.putSync(key(3), VALUE)).toThrow(
      expect.objectContaining({ code: ErrorCode.WritesStopped }),
    );
    expect(text(await store.get(key(1)))).toBe(text(VALUE));
    expect(store.hasSync(key(2))).toBe(true);

    const resumed = store.resume();
    await settle();
    executor.release();
    await resumed;
    await store.put(key(3), VALUE);
    expect([1, 2, 3].map((i) => store.hasSync(key(i)))).toEqual([true, true, true]);
    await store.close();
  });

  test('by a crash leaves an arena that is never used again; one that merely fails does not', async () => {
    const { store, executor, clock } = await openFrozen();
    const { arenas } = store.stats();
    executor.held[0]!.fail('ENOSPC');
    await settle();
    clock.advance(1000);
    executor.held[0]!.finish();
    await eventually(() => store.stats().memtables.frozen === 0);
    await settle();
    expect(store.stats().arenas.idle).toBe(arenas.idle + 1);

    await store.put(key(2), VALUE);
    await store.rotateMemtable();
    const idle = store.stats().arenas.idle;
    const inUse = store.stats().arenas.inUse;
    executor.held[0]!.crash();
    await settle();
    clock.advance(1000);
    executor.held[0]!.finish();
    await eventually(() => store.stats().memtables.frozen === 0);
    await settle();
    expect(store.stats().arenas).toMatchObject({ idle, inUse: inUse - 1 });
    await store.close();
  });

  test('is over when a blocking write has flushed the memtable meanwhile: what waits behind it is not held up', async () => {
    const { store, executor } = await openHeld({ maxFrozenMemtables: 2 });
    for (let i = 0; i < 9; i++) await store.put(key(i), VALUE);
    expect(store.stats().memtables.frozen).toBe(2);
    executor.held[0]!.fail('ENOSPC');
    await settle();
    // No time passes: the back-off would keep everything waiting.
    for (let i = 10; i < 14; i++) store.putSync(key(i), VALUE);
    const flushed = store.flush();
    executor.release();
    expect(await stateOf(flushed)).toBe('resolved');
    await store.close();
  });
});

describe('builds of two memtables at a time', () => {
  /** Two frozen memtables with versions of the same keys, both being built. */
  async function openTwo(): Promise<HeldStore> {
    const held = await openHeld({ flushWorkers: 2, maxFrozenMemtables: 2 });
    for (const generation of ['old', 'new']) {
      for (let i = 0; i < 3; i++) await held.store.put(key(i), bytes(`${generation} ${i}`));
      await held.store.put(bytes(generation), bytes(generation));
      await held.store.rotateMemtable();
    }
    expect(held.executor.held).toHaveLength(2);
    return held;
  }

  test('are committed, and numbered, in order of age, whichever ends first', async () => {
    const { store, executor, trace, memory } = await openTwo();
    const [older, younger] = [...executor.held];
    younger!.finish();
    await settle();
    expect(store.stats().levels[0]!.tables).toBe(0);
    older!.finish();
    await eventually(() => store.stats().memtables.frozen === 0);
    const renamed = trace.flatMap((event) => (event.name === 'table-renamed' ? [event.details] : []));
    expect(renamed.map(({ journal }) => journal)).toEqual([2, 3]);
    expect(renamed[0]!.table).toBeLessThan(renamed[1]!.table);
    for (let i = 0; i < 3; i++) expect(text(store.getSync(key(i)))).toBe(`new ${i}`);
    await store.close();
    await expectInClassicLevel(memory.snapshot(), ['new 0', 'new 1', 'new 2']);
  });

  test('survive that the older one fails when the younger is done', async () => {
    const { store, executor, clock, memory } = await openTwo();
    const [older, younger] = [...executor.held];
    younger!.finish();
    older!.crash();
    await settle();
    expect(store.stats().memtables.frozen).toBe(2);
    for (let i = 0; i < 3; i++) expect(text(store.getSync(key(i)))).toBe(`new ${i}`);
    clock.advance(1000);
    await settle();
    expect(executor.held).toHaveLength(1);
    expect(store.stats().levels[0]!.tables).toBe(0);
    executor.held[0]!.finish();
    await eventually(() => store.stats().memtables.frozen === 0);
    for (let i = 0; i < 3; i++) expect(text(store.getSync(key(i)))).toBe(`new ${i}`);
    expect([...store.iterator()].map(([k, v]) => `${text(k)}=${text(v)}`)).toEqual([
      'k000000=new 0',
      'k000001=new 1',
      'k000002=new 2',
      'new=new',
      'old=old',
    ]);
    await store.close();
    const again = await reopen(memory);
    for (let i = 0; i < 3; i++) expect(text(again.getSync(key(i)))).toBe(`new ${i}`);
    await again.close();
    await expectInClassicLevel(memory.snapshot(), ['new 0', 'new 1', 'new 2']);
  });
});

describe('of two builds one that fails', () => {
  async function openTwoFrozen() {
    const held = await openHeld({ flushWorkers: 2, maxFrozenMemtables: 2 });
    await held.store.put(key(1), VALUE);
    const older = held.store.flush();
    await held.store.put(key(2), VALUE);
    const younger = held.store.flush();
    for (const flushed of [older, younger]) flushed.catch(() => {});
    await settle();
    const [olderBuild, youngerBuild] = [...held.executor.held];
    return { ...held, older, younger, olderBuild: olderBuild!, youngerBuild: youngerBuild! };
  }

  test('as the younger, is heard of only by those who wait for it, and holds the older up no moment', async () => {
    const { store, older, younger, olderBuild, youngerBuild } = await openTwoFrozen();
    youngerBuild.crash();
    await expect(younger).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
    expect(await stateOf(older)).toBe('pending');
    // No time passes: the younger one waits for its next attempt.
    olderBuild.finish();
    expect(await stateOf(older)).toBe('resolved');
    expect(store.stats().levels[0]!.tables).toBe(1);
    await store.close();
  });

  test('as the older, is heard of by those who wait for either', async () => {
    const { store, older, younger, olderBuild } = await openTwoFrozen();
    olderBuild.crash();
    for (const flushed of [older, younger]) {
      await expect(flushed).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
    }
    await store.close();
  });

  test('and the other too, for a cause that stays, are tried once more each before writes stop', async () => {
    const { store, clock, executor, names, olderBuild, youngerBuild } = await openTwoFrozen();
    olderBuild.fail('EIO');
    youngerBuild.fail('EIO');
    await settle();
    expect(names()).not.toContain('writes-stopped');
    clock.advance(1000);
    expect(executor.held).toHaveLength(2);
    executor.release();
    await store.flush();
    expect(store.stats().levels[0]!.tables).toBe(2);
    await store.close();
  });
});

describe('the answer of a builder', () => {
  const flip = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    const flipped = bytes.slice();
    flipped[0]! ^= 1;
    return flipped;
  };
  const withTable =
    (change: Partial<BuiltOutcome['table']>) =>
    (outcome: BuiltOutcome): FlushOutcome => ({
      ...outcome,
      table: { ...outcome.table, ...change },
    });
  const change =
    (make: (table: BuiltOutcome['table']) => Partial<BuiltOutcome['table']>) =>
    (outcome: BuiltOutcome): FlushOutcome =>
      withTable(make(outcome.table))(outcome);

  test.each<{ id: string; lie: (outcome: BuiltOutcome) => FlushOutcome }>([
    { id: 'a smaller file', lie: change(({ size }) => ({ size: size - 1 })) },
    { id: 'a larger file', lie: change(({ size }) => ({ size: size + 1 })) },
    { id: 'fewer entries', lie: change(({ entries }) => ({ entries: entries - 1 })) },
    { id: 'more entries', lie: change(({ entries }) => ({ entries: entries + 1 })) },
    { id: 'entries that were dropped', lie: (outcome) => ({ ...outcome, dropped: 1 }) },
    { id: 'another root', lie: change(({ root }) => ({ root: flip(root) })) },
    { id: 'more blocks', lie: change(({ blocks }) => ({ blocks: blocks + 1 })) },
    { id: 'another smallest key', lie: change(({ smallest }) => ({ smallest: flip(smallest) })) },
    { id: 'another largest key', lie: change(({ largest }) => ({ largest: flip(largest) })) },
  ])('that states $id is refused, and the table is built again', async ({ lie }) => {
    const { store, executor, clock, memory, flushed } = await openFrozen();
    const start = memory.trace.entries.length;
    executor.held[0]!.finish(lie);
    await expect(flushed).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
    const renames = memory.trace.entries.slice(start).filter(({ operation }) => operation === 'rename');
    expect(renames).toEqual([]);
    expect(store.stats().levels[0]!.tables).toBe(0);
    clock.advance(1000);
    executor.held[0]!.finish();
    await eventually(() => store.stats().memtables.frozen === 0);
    expect(text(store.getSync(key(1)))).toBe(text(VALUE));
    expect((await store.verify()).differing).toEqual([]);
    await store.close();
  });

  test('for a file that is not there is refused', async () => {
    const { store, executor, memory, clock, flushed } = await openFrozen();
    const outcome = executor.held[0]!.build();
    memory.removeNow({ type: 'temp', number: executor.held[0]!.job.tempNumber });
    executor.held[0]!.answer(outcome);
    await expect(flushed).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
    clock.advance(1000);
    executor.release();
    await store.flush();
    expect(store.hasSync(key(1))).toBe(true);
    await store.close();
  });
});

describe('a commit', () => {
  test('that is in force is not failed by a journal that cannot be closed', async () => {
    const { store, executor, names, memory } = await openHeld();
    await store.put(key(1), VALUE);
    const createNow = memory.createNow.bind(memory);
    memory.createNow = (file) => {
      const created = createNow(file);
      if (file.type === 'journal') {
        created.closeNow = () => {
          throw new Error('EIO: close');
        };
      }
      return created;
    };
    await store.rotateMemtable();
    executor.release();
    await store.put(key(2), VALUE);
    await store.flush();
    expect(names()).toContain('cleanup-failed');
    expect(names()).not.toContain('flush-failed');
    expect(store.stats().levels[0]!.tables).toBe(2);
    await expect(store.close()).rejects.toThrow('EIO: close');
    memory.createNow = createNow;
    const again = await reopen(memory);
    expect([1, 2].map((i) => again.hasSync(key(i)))).toEqual([true, true]);
    await again.close();
  });

  test('that is in force is not failed by a journal that cannot be removed', async () => {
    let faults: FaultStorage | undefined;
    const { store, executor, names, memory } = await openHeld(
      {},
      {
        wrap: (inner) => {
          faults = new FaultStorage(inner);
          return faults;
        },
      },
    );
    await store.put(key(1), VALUE);
    faults!.install({
      rules: [{ operation: 'remove', type: 'journal', nth: 1, times: 1, effect: 'error', errno: 'EBUSY' }],
    });
    executor.release();
    await store.flush();
    expect(names()).toContain('cleanup-failed');
    expect(memory.fileNames()).toContain('000002.log');
    await store.put(key(2), VALUE);
    await store.close();
    const again = await reopen(memory);
    expect(memory.fileNames()).not.toContain('000002.log');
    expect([1, 2].map((i) => again.hasSync(key(i)))).toEqual([true, true]);
    await again.close();
  });
});

/** Writes files to a directory, opens it with LevelDB itself, and compares the values of the first keys. */
async function expectInClassicLevel(
  files: ReadonlyMap<string, Uint8Array>,
  values: readonly string[],
): Promise<void> {
  const location = temporaryDirectory();
  for (const [name, contents] of files) {
    mkdirSync(dirname(join(location, name)), { recursive: true });
    writeFileSync(join(location, name), contents);
  }
  const peer = new ClassicLevel<string, string>(location, { createIfMissing: false });
  await peer.open();
  try {
    expect(await peer.getMany(values.map((_, i) => text(key(i))))).toEqual(values);
  } finally {
    await peer.close();
  }
}
