import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { destroy, type OpenOptions, open, repair, type Store } from 'arena-level/engine';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { settle } from '../support/eventually.ts';
import { openHeld } from '../support/held-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';
import { Listening } from './listening.ts';

const OPTIONS: OpenOptions = { flush: 'inline', writeBufferSize: 4096, level0CompactionTrigger: 2 };
const SECRET_KEY = 'passport-of-';
const SECRET_VALUE = 'attack-at-dawn-'.repeat(20);

const logOf = (directory: string, name = 'LOG'): string => readFileSync(join(directory, name), 'utf8');

async function fill(store: Store, from = 0, to = 60): Promise<void> {
  for (let i = from; i < to; i++) await store.put(bytes(`${SECRET_KEY}${i}`), bytes(SECRET_VALUE));
}

describe('the LOG of a store', () => {
  test('tells its life: options, recovery, rotations, flushes, compactions, close', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, OPTIONS);
    const tables = new Set<number>();
    store.on('flush-finished', ({ table }) => void (table !== undefined && tables.add(table)));
    await fill(store);
    await store.compactRange();
    await store.clear();
    await settle();
    await store.close();
    const log = logOf(directory);
    const lines = log.split('\n').slice(0, -1);
    for (const line of lines) expect(line).toMatch(/^\d{4}\/\d\d\/\d\d-\d\d:\d\d:\d\d\.\d{6} \d+ \S/);
    expect(lines[0]).toMatch(/ open: \{.*"writeBufferBytes":4096/);
    expect(lines[2]).toMatch(/ created: last sequence 0/);
    expect(tables.size).toBeGreaterThan(3);
    for (const table of tables) {
      expect(log).toMatch(
        new RegExp(
          `flush: journal #\\d+ became table #${table}: \\d+ bytes, \\d+ entries, 0 dropped, [\\d.]+ ms\\n`,
        ),
      );
    }
    expect(log).toMatch(/ rotation: journal #2, \d+ entries, \d+ bytes, frozen \(full\)\n/);
    expect(log).toMatch(
      / compaction: level 0 to 1 \(level0\), merging tables (#\d+ ?){2,}: \d+ bytes, in 1 part\n/,
    );
    expect(log).toMatch(/ compaction: table #\d+ made for level 1\n/);
    expect(log).toMatch(/ compaction: level 0 to 1 committed: \d+ tables, \d+ bytes read, \d+ written/);
    expect(log).toMatch(/ clear: \d+ tables of \d+ bytes dropped/);
    expect(lines.at(-1)).toMatch(/ closed$/);
  });

  test('is LOG.old after the next open, which tells what it recovered', async () => {
    const directory = temporaryDirectory();
    await (await open(directory, OPTIONS)).close();
    const first = logOf(directory);
    const store = await open(directory, OPTIONS);
    expect(logOf(directory, 'LOG.old')).toBe(first);
    await store.close();
    expect(logOf(directory)).toMatch(/ recovered: last sequence 0/);
  });

  test('is bounded while the store is open', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, { ...OPTIONS, maxInfoLogSize: 4096 });
    await fill(store, 0, 400);
    await store.close();
    expect(logOf(directory).length).toBeLessThanOrEqual(4096);
    const old = logOf(directory, 'LOG.old');
    expect(old.length).toBeGreaterThan(3000);
    expect(old.length).toBeLessThanOrEqual(4096);
    expect(old, 'the first lines are gone').not.toContain(' open: ');
  });

  test('holds neither keys nor values, whatever fails', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, OPTIONS);
    await fill(store);
    await store.clear({ gte: bytes(`${SECRET_KEY}1`), limit: 3 });
    await store.flush();
    await store.close();
    const table = readdirSync(directory).find((name) => name.endsWith('.ldb'))!;
    const damaged = readFileSync(join(directory, table));
    damaged.fill(0xff, 20, 60);
    writeFileSync(join(directory, table), damaged);
    const again = await open(directory, OPTIONS);
    await again.compactRange().catch(() => {});
    await again.close();
    const log = logOf(directory) + logOf(directory, 'LOG.old');
    expect(log).toMatch(/ failed: LEVEL_CORRUPTION in \d+\.ldb/);
    for (const secret of [SECRET_KEY, 'attack']) {
      expect(log).not.toContain(secret);
      expect(log).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });

  test('is not there where it is not wanted, read-only, or with a storage of the caller', async () => {
    const directory = temporaryDirectory();
    await (await open(directory, { ...OPTIONS, infoLog: false })).close();
    await (await open(directory, { readOnly: true, infoLog: true, flush: 'inline' })).close();
    expect(readdirSync(directory)).not.toContain('LOG');
    const storage = new MemoryStorage();
    await (await open('memory', OPTIONS, { storage })).close();
    expect(storage.fileNames()).not.toContain('LOG');
    await (await open('memory', { ...OPTIONS, infoLog: true }, { storage })).close();
    expect(storage.fileNames()).toContain('LOG');
  });

  test('tells why an open failed', async () => {
    const directory = temporaryDirectory();
    await (await open(directory, OPTIONS)).close();
    const manifest = readdirSync(directory).find((name) => name.startsWith('MANIFEST'))!;
    writeFileSync(join(directory, manifest), 'nothing of a manifest');
    await expect(open(directory, OPTIONS)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' });
    expect(logOf(directory)).toMatch(/ closed after an error: LEVEL_CORRUPTION in MANIFEST-\d+/);
  });

  test('is gone with the store, and not part of a checkpoint; a repair leaves it', async () => {
    const directory = join(temporaryDirectory(), 'store');
    const store = await open(directory, OPTIONS);
    await fill(store);
    const copy = join(temporaryDirectory(), 'copy');
    await store.checkpoint(copy);
    await store.close();
    expect(existsSync(join(copy, 'LOG'))).toBe(false);
    const report = await repair(directory);
    expect(report.lost).not.toContain('LOG');
    expect(existsSync(join(directory, 'LOG'))).toBe(true);
    const { removed, directoryRemoved } = await destroy(directory);
    expect(removed).toContain('LOG');
    expect(directoryRemoved).toBe(true);
  });

  test('is shared with classic-level, which opens in turn', async () => {
    const directory = temporaryDirectory();
    for (let turn = 0; turn < 3; turn++) {
      const store = await open(directory, OPTIONS);
      await fill(store, turn * 10, turn * 10 + 10);
      await store.close();
      expect(logOf(directory)).toMatch(/ closed\n$/);
      const level = new ClassicLevel(directory);
      await level.open();
      await level.put(`classic ${turn}`, 'value');
      await level.close();
      expect(logOf(directory, 'LOG.old')).toMatch(/ closed\n$/);
      expect(logOf(directory)).not.toContain(' open: {');
    }
    const store = await open(directory, OPTIONS);
    expect(readContents(store).size).toBe(33);
    await store.close();
  });

  test('is no way out of the directory', async () => {
    const directory = temporaryDirectory();
    const elsewhere = join(temporaryDirectory(), 'elsewhere');
    writeFileSync(elsewhere, 'untouched');
    symlinkSync(elsewhere, join(directory, 'LOG'));
    const store = await open(directory, OPTIONS);
    await fill(store);
    await store.close();
    expect(readFileSync(elsewhere, 'utf8')).toBe('untouched');
  });
});

describe('a LOG that fails harms nothing', () => {
  test.each([
    ['create', 'error'],
    ['write', 'error'],
    ['write', 'short-write'],
    ['size', 'error'],
  ] as const)('%s: %s, from the beginning or later on', async (operation, effect) => {
    for (const nth of [1, 2, 3]) {
      let faults: FaultStorage | undefined;
      const listening = new Listening(['arena-level:error']);
      const { store, memory, executor } = await openHeld(
        { infoLog: true, maxInfoLogSize: 4096 },
        {
          wrap: (inner) => {
            const rule = {
              operation,
              type: 'info-log',
              nth,
              times: Number.POSITIVE_INFINITY,
              effect,
            } as const;
            faults = new FaultStorage(inner, { rules: [{ ...rule, errno: 'ENOSPC' }] });
            return faults;
          },
        },
      );
      executor.release();
      for (let i = 0; i < 200; i++) {
        await store.put(key(i), bytes(`value ${i}`.repeat(40)));
      }
      await store.flush();
      await settle();
      expect(faults!.countOf(operation, 'info-log'), 'not tried again').toBe(nth);
      expect(readContents(store).size).toBe(200);
      const heard = listening.of('arena-level:error').filter(({ phase }) => phase === 'begin');
      expect(heard).toMatchObject([{ reason: 'cleanup', file: 'LOG' }]);
      await store.close();
      const again = await open(memory.location, OPTIONS, { storage: memory });
      expect(readContents(again).size).toBe(200);
      await again.close();
    }
  });

  test('nor does one that is cut or lost in a crash: at every point the store opens to what was synced', async () => {
    const options = { ...OPTIONS, infoLog: true, maxInfoLogSize: 4096 };
    const storage = new MemoryStorage();
    const store = await open(storage.location, options, { storage, clock: new ManualClock() });
    const synced: { readonly at: number; readonly text: string }[] = [];
    for (let i = 0; i < 24; i++) {
      await store.put(key(i), bytes('v'.repeat(300)), { sync: true });
      synced.push({ at: storage.trace.entries.length, text: contentsText(readContents(store)) });
    }
    await store.close();
    const { trace } = storage;
    expect(trace.entries.filter((entry) => 'file' in entry && entry.file === 'LOG').length).toBeGreaterThan(
      5,
    );
    expect(trace.entries.some(({ operation }) => operation === 'sync')).toBe(true);
    for (const entry of trace.entries) {
      if (entry.operation === 'sync') expect(entry.file).not.toMatch(/^LOG/);
    }
    for (let at = synced[0]!.at; at <= trace.entries.length; at++) {
      const left = MemoryStorage.resume(trace, at);
      const again = await open(left.location, options, { storage: left, clock: new ManualClock() });
      const least = synced.findLast((each) => each.at <= at)!;
      const text = contentsText(readContents(again));
      const known = synced.findIndex((each) => each.text === text);
      expect(known, `cut at ${at}`).toBeGreaterThanOrEqual(synced.indexOf(least));
      await again.close();
    }
  });
});
