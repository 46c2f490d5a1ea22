import { ErrorCode } from '@arena-level/common/base/errors';
import { describe, expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { openHeld, reopen } from '../support/held-store.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

describe('answers of flush workers', () => {
  test('one that comes when its build was taken over makes room for the next build', async () => {
    const { store, executor } = await openHeld({ maxFrozenMemtables: 1 });
    // The worker has the first memtable; the writes behind it need its slot and build it here.
    for (let i = 0; i < 12; i++) store.putSync(key(i), VALUE);
    expect(executor.builtNow).toBeGreaterThan(0);
    const flushed = store.flush();
    await settle();
    expect(executor.held).toHaveLength(1);
    executor.release();
    expect(await stateOf(flushed)).toBe('resolved');
    await store.close();
  });

  test('one that comes while the store is closed leaves its data in the journal', async () => {
    const { store, executor, memory } = await openHeld();
    await store.put(key(1), VALUE);
    const flushed = store.flush();
    await settle();
    const outcome = executor.held[0]!.build();
    executor.close = async () => executor.held[0]!.answer(outcome);
    const closed = store.close();
    await expect(flushed).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await closed;
    const again = await reopen(memory);
    expect(text(again.getSync(key(1)))).toBe(text(VALUE));
    await again.close();
  });

  test("an answer 'empty' for an arena with entries is not believed", async () => {
    const { store, executor, clock, memory } = await openHeld();
    await store.put(key(1), VALUE);
    const flushed = store.flush();
    await settle();
    executor.held[0]!.answer({ kind: 'empty' });
    await expect(flushed).rejects.toMatchObject({ code: ErrorCode.WorkerFailed });
    clock.advance(1000);
    executor.held[0]!.finish();
    await eventually(() => store.stats().memtables.frozen === 0);
    expect(text(store.getSync(key(1)))).toBe(text(VALUE));
    await store.close();
    const again = await reopen(memory);
    expect(text(again.getSync(key(1)))).toBe(text(VALUE));
    await again.close();
  });

  test("an answer 'cancelled' that nobody asked for is repeated after a while, not at once", async () => {
    const { store, executor, clock } = await openHeld();
    await store.put(key(1), VALUE);
    const flushed = store.flush();
    await settle();
    executor.held[0]!.answer({ kind: 'cancelled' });
    expect(await stateOf(flushed)).toBe('rejected');
    expect(executor.held).toHaveLength(0);
    clock.advance(1000);
    expect(executor.held).toHaveLength(1);
    executor.held[0]!.finish();
    await store.flush();
    await store.close();
  });
});
