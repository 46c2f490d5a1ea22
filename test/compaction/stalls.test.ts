import { ErrorCode } from '@arena-level/common/base/errors';
import { FileType } from '@arena-level/common/storage/file-desc';
import { describe, expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { CompactingStore } from './compacting-store.ts';

const SMALL = { writeBufferSize: 4096, level0SlowdownTrigger: 7 };

describe('level 0 at its pause trigger', () => {
  test('holds writers up, says so, and lets them go on when it is compacted', async () => {
    const store = await CompactingStore.open(SMALL);
    for (let n = 0; store.tables[0]! < 8 && n < 3000; n++) store.putSync(n % 200);
    const writes = Array.from({ length: 60 }, (_, n) => store.put(n));
    const all = Promise.all(writes);
    await settle();
    for (let n = 0; n < 20; n++) store.held.clock.advance(1000);
    expect(await stateOf(all)).toBe('pending');
    expect(store.held.trace).toContainEqual({ name: 'stall-begin', details: { reason: 'level0-pause' } });
    expect(store.store.stats().pressure).toBe(1);
    store.held.executor.releaseCompactions();
    await all;
    expect(store.held.trace).toContainEqual({
      name: 'stall-end',
      details: { reason: 'level0-pause', durationMs: expect.any(Number) },
    });
    await store.expectContentsAfterReopen();
  });

  test('with a damaged table gives writers the error that names it, and spins not', async () => {
    const store = await CompactingStore.open(SMALL);
    store.held.executor.holdsCompactions = false;
    for (let n = 0; store.tables[0]! < 3 && n < 3000; n++) store.putSync(n % 200);
    const damaged = store.memory.listNow().find(({ type }) => type === FileType.Table)!;
    store.memory.damage(damaged, (bytes) => {
      bytes[20]! ^= 1;
    });
    let refusal: unknown;
    for (let n = 0; refusal === undefined && n < 3000; n++) {
      store.store.put(Buffer.from(`key-${n % 200}`), Buffer.alloc(100)).catch((error: unknown) => {
        refusal ??= error;
      });
      await settle(1);
      // What slows writers down passes.
      store.held.clock.advance(1000);
    }
    expect(refusal).toMatchObject({ code: ErrorCode.Corruption, file: expect.stringMatching(/\.ldb$/) });
    await settle();
    expect(store.count('compaction-failed')).toBe(1);
    await store.store.resume();
    await eventually(() => store.count('compaction-failed') === 2);
    await settle();
    expect(store.count('compaction-failed')).toBe(2);
    await store.store.close();
  });
});
