import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CheckpointProgress,
  ErrorCode,
  type OpenOptions,
  open,
  type RepairProgress,
  repair,
  type Store,
  type VerifyProgress,
} from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';

const OPTIONS: OpenOptions = { flush: 'inline', autoCompaction: false };
const TABLES = 4;

async function storeOfTables(directory: string): Promise<Store> {
  const store = await open(directory, OPTIONS);
  for (let table = 0; table < TABLES; table++) {
    for (let i = 0; i < 100; i++) await store.put(key(100 * table + i), bytes('value'));
    await store.flush();
  }
  return store;
}

/** Calls `abort` with the second report. */
function abortingAtSecond(): { signal: AbortSignal; onProgress: () => void } {
  const controller = new AbortController();
  let reports = 0;
  const onProgress = (): void => {
    if (++reports === 2) controller.abort();
  };
  return { signal: controller.signal, onProgress };
}

describe('progress of what takes long', () => {
  test('a verification reports its tables and bytes, from nothing to all of them', async () => {
    const store = await storeOfTables(temporaryDirectory());
    const bytesTotal = store.stats().levels.reduce((sum, level) => sum + level.bytes, 0);
    const reports: VerifyProgress[] = [];
    await store.verify({ onProgress: (progress) => reports.push(progress) });
    expect(reports.map(({ tablesDone, tables }) => `${tablesDone}/${tables}`)).toEqual([
      '0/4',
      '1/4',
      '2/4',
      '3/4',
      '4/4',
    ]);
    expect(reports.every((report) => report.bytesTotal === bytesTotal)).toBe(true);
    expect(reports[0]!.bytesDone).toBe(0);
    expect(reports.at(-1)!.bytesDone).toBe(bytesTotal);
    await store.close();
  });

  test.each([
    { what: 'that trusts the manifest', lost: /^$/ },
    { what: 'without a manifest', lost: /^(CURRENT|MANIFEST-\d+)$/ },
  ])('a repair $what reports the bytes of tables and journals, from nothing to all', async ({ lost }) => {
    const directory = temporaryDirectory();
    const store = await storeOfTables(directory);
    await store.put(key(1000), bytes('in the journal'));
    await store.close();
    for (const name of readdirSync(directory)) if (lost.test(name)) rmSync(join(directory, name));
    const files = readdirSync(directory).filter((name) => /\.(ldb|log)$/.test(name));
    const bytesTotal = files.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
    const reports: RepairProgress[] = [];
    await repair(directory, { ...OPTIONS, onProgress: (progress) => reports.push(progress) });
    expect(files).toHaveLength(TABLES + 1);
    expect(reports.every((report) => report.bytesTotal === bytesTotal)).toBe(true);
    const done = reports.map(({ bytesDone }) => bytesDone);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(new Set(done).size).toBe(1 + TABLES + 1);
    expect([done[0], done.at(-1)]).toEqual([0, bytesTotal]);
  });

  test('a verification ends between two tables when it is aborted, and can be repeated', async () => {
    const store = await storeOfTables(temporaryDirectory());
    await expect(store.verify(abortingAtSecond())).rejects.toMatchObject({ code: ErrorCode.Aborted });
    await expect(store.verify({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: ErrorCode.Aborted,
    });
    expect(await store.verify()).toMatchObject({ tables: TABLES, differing: [] });
    await store.close();
  });

  test('a checkpoint reports its bytes, linked or copied', async () => {
    const root = temporaryDirectory();
    const store = await storeOfTables(join(root, 'store'));
    for (const link of [true, false]) {
      const reports: CheckpointProgress[] = [];
      const { bytes } = await store.checkpoint(join(root, `copy-${link}`), {
        link,
        onProgress: (progress) => reports.push(progress),
      });
      expect(reports).toHaveLength(TABLES + 1);
      expect(reports[0]).toEqual({ bytesDone: 0, bytesTotal: bytes });
      expect(reports.at(-1)).toEqual({ bytesDone: bytes, bytesTotal: bytes });
    }
    await store.close();
  });

  test('nothing is left of a checkpoint that is aborted', async () => {
    const root = temporaryDirectory();
    const store = await storeOfTables(join(root, 'store'));
    const target = join(root, 'copy');
    await expect(store.checkpoint(target, { ...abortingAtSecond(), link: false })).rejects.toMatchObject({
      code: ErrorCode.Aborted,
    });
    expect(readdirSync(root)).toEqual(['store']);
    await expect(store.checkpoint(target, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: ErrorCode.Aborted,
    });
    expect(readdirSync(root)).toEqual(['store']);
    expect(await store.checkpoint(target)).toMatchObject({ tables: TABLES });
    await store.close();
  });

  test.each([
    ['verify', (store: Store, options: object) => store.verify(options)],
    ['checkpoint', (store: Store, options: object) => store.checkpoint('copy', options)],
  ])('%s refuses what is no signal and no function', async (_, call) => {
    const store = await open(temporaryDirectory(), OPTIONS);
    for (const options of [{ signal: true }, { onProgress: 1 }, { progress: () => {} }]) {
      await expect(call(store, options)).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
    }
    await store.close();
  });
});
