import { Prng } from '@arena-level/common/base/prng';
import { ErrorCode, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { expectHere, expectInLevelDb } from './both-engines.ts';
import { copyGolden, GOLDEN_STORES, restoreGolden } from './golden-stores.ts';
import { randomBatches } from './random-batches.ts';

describe('a store that LevelDB or goleveldb wrote', () => {
  test.each(GOLDEN_STORES)(
    '(%s) holds its stated contents, on the first open and on the next',
    async (name) => {
      const { directory, contents } = await restoreGolden(name);
      await expectHere(directory, contents);
      await expectHere(directory, contents);
    },
  );

  test.each(GOLDEN_STORES)(
    '(%s) has a MasterRoot, computed when asked for, that verify confirms',
    async (name) => {
      const { directory } = await restoreGolden(name);
      const store = await open(directory, { flush: 'inline', autoCompaction: false });
      const { root, tables } = await store.masterRoot();
      const report = await store.verify();
      expect(report).toMatchObject({ tables, differing: [] });
      expect(Buffer.from(report.root!).equals(root)).toBe(true);
      await store.close();
      // What was computed is on record, or computed again: the same.
      const again = await open(directory, { flush: 'inline', autoCompaction: false });
      expect(Buffer.from((await again.masterRoot()).root).equals(root)).toBe(true);
      await again.close();
    },
  );

  test.each(GOLDEN_STORES.filter((name) => name.startsWith('leveldb')))(
    '(%s) can be written here and is LevelDB-readable then',
    async (name) => {
      const { directory, contents } = await restoreGolden(name);
      const store = await open(directory, { flush: 'inline', writeBufferSize: 64 * 1024 });
      for (const operations of randomBatches(contents, 60, new Prng(1))) await store.batch(operations);
      await store.close();
      await expectInLevelDb(directory, contents);
      await expectHere(directory, contents);
    },
  );

  test.each(GOLDEN_STORES)('(%s) is refused without the journal that its manifest names', async (name) => {
    const { directory, journal } = copyGolden(name);
    await expect(open(directory, { flush: 'inline' })).rejects.toMatchObject({
      code: ErrorCode.Corruption,
      file: journal,
    });
  });
});
