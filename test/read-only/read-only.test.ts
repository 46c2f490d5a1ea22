import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import type { StorageOperation } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { arenaBudget, ErrorCode, type OpenOptions, open, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { GOLDEN_STORES, restoreGolden } from '../interop/golden-stores.ts';
import { randomBatches } from '../interop/random-batches.ts';
import { bundleForNode } from '../support/bundle.ts';
import { openFilesIn } from '../support/descriptors.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';

const SEED = seedFromEnvironment(20_251_126);
const SMALL: OpenOptions = { flush: 'inline', writeBufferSize: 16 * 1024, maxFileSize: 64 * 1024 };
const READ: OpenOptions = { ...SMALL, readOnly: true };

/** Names, bytes and times of all files. */
function picture(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const { mtimeMs, size, mode } = statSync(join(directory, name));
      return `${name} ${mtimeMs} ${size} ${mode} ${readFileSync(join(directory, name), 'base64')}`;
    });
}

/** A store with tables and journals, left by a writer that is still there; and what it holds. */
async function liveStore(): Promise<{ directory: string; store: Store; expected: string }> {
  const directory = join(temporaryDirectory(), 'store');
  // Without the LOG, which is written a little later than what it tells of.
  const store = await open(directory, { ...SMALL, autoCompaction: false, infoLog: false });
  for (const batch of randomBatches(new Map(), 150, new Prng(SEED))) await store.batch(batch);
  await store.flush();
  for (let i = 0; i < 20; i++) await store.put(bytes(`journal ${i}`), bytes(`value ${i}`));
  return { directory, store, expected: contentsText(readContents(store)) };
}

describe('a store that is open read-only', () => {
  test('holds what its writer acknowledged, and changes nothing in the directory', async () => {
    const { directory, store, expected } = await liveStore();
    const now = await store.masterRoot();
    const before = picture(directory);
    const usedBytes = arenaBudget().usedBytes;
    for (const flush of ['inline', 'worker'] as const) {
      const storage = new FaultStorage(new NodeStorage(directory));
      const reader = await open(directory, { ...READ, flush }, { storage });
      expect(contentsText(readContents(reader))).toBe(expected);
      for (const [key, value] of reader.iterator()) expect(reader.getSync(key)).toEqual(value);
      expect(reader.recovery).toMatchObject({ created: false, tablesWritten: 0, lost: [], removed: [] });
      expect(reader.recovery.groups).toBeGreaterThan(0);
      const root = await reader.masterRoot();
      expect(root).toEqual(now);
      expect((await reader.verify()).differing).toEqual([]);
      expect(reader.stats().lastSequence).toBe(store.stats().lastSequence);
      const snapshot = reader.snapshot();
      expect([...reader.iterator({ snapshot })].length).toBe([...store.iterator()].length);
      snapshot.close();
      await reader.close();
      const CHANGES: readonly StorageOperation[] = [
        'create',
        'open-write',
        'write',
        'sync',
        'rename',
        'link',
        'remove',
        'quarantine',
        'truncate',
        'sync-directory',
      ];
      for (const operation of CHANGES) expect(storage.countOf(operation)).toBe(0);
    }
    expect(picture(directory)).toEqual(before);
    expect(arenaBudget().usedBytes).toBe(usedBytes);
    await store.close();
  });

  test('can be where no file may be written', async () => {
    const { directory, store, expected } = await liveStore();
    await store.close();
    for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o444);
    chmodSync(directory, 0o555);
    const before = picture(directory);
    const reader = await open(directory, READ);
    expect(contentsText(readContents(reader))).toBe(expected);
    await reader.close();
    expect(picture(directory)).toEqual(before);
    expect(openFilesIn(directory)).toEqual([]);
    chmodSync(directory, 0o755);
  });

  test('refuses whatever writes, by name', async () => {
    const { directory, store } = await liveStore();
    const reader = await open(directory, READ);
    const key = bytes('key');
    const calls: [string, () => unknown][] = [
      ['put', () => reader.put(key, key)],
      ['putSync', () => reader.putSync(key, key)],
      ['del', () => reader.del(key)],
      ['delSync', () => reader.delSync(key)],
      ['batch', () => reader.batch([{ type: 'del', key }])],
      ['batch', () => reader.batch([])],
      ['batchSync', () => reader.batchSync([{ type: 'del', key }])],
      ['batchSync', () => reader.batchSync([])],
      ['flush', () => reader.flush()],
      ['rotateMemtable', () => reader.rotateMemtable()],
      ['compactRange', () => reader.compactRange()],
      ['checkpoint', () => reader.checkpoint(join(directory, '..', 'copy'))],
      ['resume', () => reader.resume()],
    ];
    for (const [name, call] of calls) {
      await expect((async () => call())()).rejects.toMatchObject({
        code: ErrorCode.ReadOnly,
        message: expect.stringMatching(new RegExp(`^${name} `)),
      });
    }
    await reader.close();
    await expect(reader.flush()).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await expect(reader.get(key)).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await store.close();
  });

  test('is not made where there is none', async () => {
    const root = temporaryDirectory();
    for (const options of [READ, { ...READ, createIfMissing: true }]) {
      await expect(open(root, options)).rejects.toMatchObject({ code: ErrorCode.StoreMissing });
      await expect(open(join(root, 'none'), options)).rejects.toMatchObject({ code: ErrorCode.StoreMissing });
    }
    expect(readdirSync(root)).toEqual([]);
  });

  test('reports a torn journal, and leaves it', async () => {
    const { directory, store } = await liveStore();
    await store.close();
    const journal = readdirSync(directory).find((name) => name.endsWith('.log'))!;
    truncateSync(join(directory, journal), statSync(join(directory, journal)).size - 3);
    const before = picture(directory);
    const reader = await open(directory, READ);
    expect(reader.recovery.tear).toMatchObject({ file: journal });
    const expected = contentsText(readContents(reader));
    await reader.close();
    expect(picture(directory)).toEqual(before);
    const writer = await open(directory, SMALL);
    expect(contentsText(readContents(writer))).toBe(expected);
    await writer.close();
  });

  test('that LevelDB or goleveldb wrote reads as it does when it is open to write', async () => {
    for (const name of GOLDEN_STORES) {
      const { directory } = await restoreGolden(name);
      const before = picture(directory);
      const reader = await open(directory, READ);
      const found = contentsText(readContents(reader));
      await reader.close();
      expect(picture(directory)).toEqual(before);
      const writer = await open(directory, SMALL);
      expect(found).toBe(contentsText(readContents(writer)));
      await writer.close();
    }
  });
});

describe('beside a writer', () => {
  test('goes on reading tables that were compacted away, and says so of those it had not opened', async () => {
    const { directory, store, expected } = await liveStore();
    const reader = await open(directory, { ...READ, cacheSize: 0 });
    const narrow = await open(directory, { ...READ, cacheSize: 0, maxOpenFiles: 1 });
    const root = await reader.masterRoot();
    await store.compactRange();
    expect(contentsText(readContents(reader))).toBe(expected);
    const { differing, ...verified } = await reader.verify();
    expect(differing).toEqual([]);
    expect(verified.root).toEqual(root.root);
    expect(() => readContents(narrow)).toThrow(expect.objectContaining({ code: ErrorCode.Stale }));
    await expect(narrow.verify()).rejects.toMatchObject({ code: ErrorCode.Stale });
    await narrow.close();
    await reader.close();
    await store.close();
  });

  test('in another process, every open finds one moment', async () => {
    const directory = join(temporaryDirectory(), 'store');
    const program = await bundleForNode(new URL('writer.program.ts', import.meta.url));
    const writer = fork(program, [directory]);
    const ended = once(writer, 'exit');
    try {
      await once(writer, 'message');
      let last = 0;
      for (let i = 0; i < 60; i++) {
        const reader = await open(directory, READ);
        const contents = readContents(reader);
        expect(contents.size).toBe(30);
        const rounds = new Set(contents.values());
        expect(rounds.size).toBe(1);
        const round = Number.parseInt([...rounds][0]!, 10);
        expect(round).toBeGreaterThanOrEqual(last);
        last = round;
        if (i % 10 === 0) expect((await reader.verify()).differing).toEqual([]);
        await reader.close();
      }
      expect(last).toBeGreaterThan(100);
    } finally {
      writer.kill('SIGKILL');
      await ended;
    }
  }, 60_000);
});
