/** What fails while a checkpoint is made, or when the machine crashes meanwhile. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import { CrashReplay, LOSS_MODELS } from '@arena-level/common/storage/crash-replay';
import type { StorageOperation } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { type CheckpointReport, ErrorCode, type OpenOptions, open, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { openFilesIn } from '../support/descriptors.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';

const OPTIONS: OpenOptions = { flush: 'inline', writeBufferSize: 8 * 1024, autoCompaction: false };

function fill(store: Store): void {
  for (let i = 0; i < 300; i++) store.putSync(bytes(`key ${i}`), bytes(`value ${i}`));
}

describe('a failure in a checkpoint', () => {
  const OPERATIONS: readonly StorageOperation[] = [
    'list',
    'link',
    'create',
    'write',
    'sync',
    'rename',
    'sync-directory',
    'open-write',
  ];
  const CASES = OPERATIONS.flatMap((operation) =>
    (['EIO', 'ENOSPC'] as const).flatMap((errno) =>
      [true, false].map((link) => ({ operation, errno, link })),
    ),
  );

  test.each(CASES)(
    'of any $operation ($errno, link: $link) leaves nothing, and the store as it was',
    async ({ operation, errno, link }) => {
      const root = temporaryDirectory();
      const store = await open(join(root, 'store'), OPTIONS);
      fill(store);
      await store.flush();
      const before = readdirSync(join(root, 'store'));
      const expected = contentsText(readContents(store));
      const directory = join(root, 'copy');
      mkdirSync(directory);
      let failures = 0;
      for (let nth = 1; ; nth++) {
        const target = new FaultStorage(new NodeStorage(directory), {
          rules: [{ operation, nth, times: 1, effect: 'error', errno }],
        });
        const outcome = await store
          .checkpoint(directory, { link }, { storage: target })
          .catch((error: unknown) => error);
        if (target.firedCount === 0) break;
        failures++;
        // The list that fails last is that of the cleaning up.
        expect(outcome).toMatchObject({ name: 'EngineError', code: ErrorCode.IoError });
        expect(readdirSync(directory)).toEqual([]);
        expect(contentsText(readContents(store))).toBe(expected);
        if (nth > 60) throw new Error('no end');
      }
      expect(failures > 0 || (operation === 'link' && !link)).toBe(true);
      expect(openFilesIn(directory).filter((name) => !name.includes('arena.holder'))).toEqual([]);
      expect(readdirSync(join(root, 'store'))).toEqual(before);
      await store.close();
      const copy = await open(directory, OPTIONS);
      expect(contentsText(readContents(copy))).toBe(expected);
      await copy.close();
    },
  );

  test.each(['EXDEV', 'EPERM', 'ENOTSUP'])(
    'where a link gives %s the table is copied and synced',
    async (errno) => {
      const root = temporaryDirectory();
      const store = await open(join(root, 'store'), OPTIONS);
      fill(store);
      mkdirSync(join(root, 'copy'));
      const target = new FaultStorage(new NodeStorage(join(root, 'copy')), {
        rules: [{ operation: 'link', nth: 2, times: 1, effect: 'error', errno }],
      });
      const report = await store.checkpoint(join(root, 'copy'), {}, { storage: target });
      expect(report).toMatchObject({ copied: 1, linked: report.tables - 1 });
      expect(target.countOf('sync', 'table')).toBe(1);
      await store.close();
    },
  );

  test('of reading the source is an error, and leaves nothing', async () => {
    const root = temporaryDirectory();
    const storage = new FaultStorage(new NodeStorage(join(root, 'store')));
    mkdirSync(join(root, 'store'));
    const store = await open(join(root, 'store'), OPTIONS, { storage });
    fill(store);
    await store.flush();
    storage.install({
      rules: [{ operation: 'read', type: 'table', nth: 1, times: 1, effect: 'error', errno: 'EIO' }],
    });
    await expect(store.checkpoint(join(root, 'new', 'copy'), { link: false })).rejects.toMatchObject({
      code: ErrorCode.IoError,
    });
    expect(readdirSync(root)).toEqual(['store']);
    await store.checkpoint(join(root, 'new', 'copy'), { link: false });
    await store.close();
  });

  test('a target on another file system is a copy', async (context) => {
    const root = temporaryDirectory();
    if (!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(root).dev) return context.skip();
    const elsewhere = mkdtempSync('/dev/shm/arena-checkpoint-');
    try {
      const store = await open(join(root, 'store'), OPTIONS);
      fill(store);
      const report = await store.checkpoint(join(elsewhere, 'copy'));
      expect(report).toMatchObject({ linked: 0, copied: report.tables });
      const copy = await open(join(elsewhere, 'copy'), OPTIONS);
      expect(contentsText(readContents(copy))).toBe(contentsText(readContents(store)));
      await copy.close();
      await store.close();
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test('a target that cannot be made is an error', async (context) => {
    if (!existsSync('/proc/self')) return context.skip();
    const root = temporaryDirectory();
    const store = await open(join(root, 'store'), OPTIONS);
    await expect(store.checkpoint('/proc/copy')).rejects.toMatchObject({ code: ErrorCode.IoError });
    await store.close();
  });
});

describe('a crash of the machine in a checkpoint', () => {
  test.each(Object.entries(LOSS_MODELS))('leaves no store, or the whole of it (%s)', async (_name, loss) => {
    const store = await open('memory', OPTIONS, { storage: new MemoryStorage() });
    fill(store);
    const expected = contentsText(readContents(store));
    const target = new MemoryStorage();
    const report: CheckpointReport = await store.checkpoint('copy', {}, { storage: target });
    await store.close();
    const prng = new Prng(20_251_126);
    const { trace } = target;
    const replay = new CrashReplay(trace);
    let whole = 0;
    for (let length = 0; length <= trace.entries.length; length++) {
      replay.advanceTo(length);
      for (let again = 0; again < 4; again++) {
        const storage = new MemoryStorage({ files: replay.crash(loss, prng) });
        const isDone = length === trace.entries.length;
        const reopened = await open('copy', { ...OPTIONS, createIfMissing: false }, { storage }).catch(
          (error: unknown) => error as Error & { code: string },
        );
        if (reopened instanceof Error) {
          expect(isDone).toBe(false);
          // No CURRENT: tables without a store, or nothing.
          expect(storage.fileNames()).not.toContain('CURRENT');
          expect([ErrorCode.StoreMissing, ErrorCode.Corruption]).toContain(reopened.code);
          continue;
        }
        whole++;
        expect(contentsText(readContents(reopened))).toBe(expected);
        expect((await reopened.masterRoot()).root).toEqual(report.root);
        expect((await reopened.verify()).differing).toEqual([]);
        await reopened.close();
      }
    }
    expect(whole).toBeGreaterThan(0);
  });
});
