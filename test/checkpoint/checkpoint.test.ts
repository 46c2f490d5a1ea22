import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ErrorCode, type OpenOptions, open, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { expectHere, expectInLevelDb, withLevelDb } from '../interop/both-engines.ts';
import { hex, type Model, randomBatches } from '../interop/random-batches.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';

const SEED = seedFromEnvironment(20_251_126);
const SMALL: OpenOptions = { flush: 'inline', writeBufferSize: 16 * 1024, maxFileSize: 64 * 1024 };
/** Without the LOG, which is written a little later than what it tells of. */
const QUIET: OpenOptions = { ...SMALL, infoLog: false };
const nameOf = (i: number): Uint8Array => bytes(`key ${String(i).padStart(6, '0')}`);

/** What a directory holds, with all bytes. */
function picture(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map(
      (name) =>
        `${name} ${statSync(join(directory, name)).isFile() ? readFileSync(join(directory, name), 'base64') : ''}`,
    );
}

async function writeRandom(store: Store, batches: number, model: Model, prng: Prng): Promise<void> {
  for (const batch of randomBatches(model, batches, prng)) await store.batch(batch);
}

describe('a checkpoint', () => {
  test('is a store of the same contents and MasterRoot, for us and for LevelDB', async () => {
    const root = temporaryDirectory();
    const store = await open(join(root, 'store'), { ...SMALL, autoCompaction: false });
    const model: Model = new Map();
    await writeRandom(store, 200, model, new Prng(SEED));
    await store.compactRange();
    await writeRandom(store, 100, model, new Prng(SEED + 2));
    const target = join(root, 'deep', 'er', 'copy');
    const report = await store.checkpoint(target);
    const now = await store.masterRoot();
    expect(report).toMatchObject({
      sequence: now.sequence,
      tables: now.tables,
      linked: now.tables,
      copied: 0,
    });
    expect(report.root).toEqual(now.root);
    expect(report.bytes).toBe(store.stats().levels.reduce((sum, level) => sum + level.bytes, 0));
    // Nothing of it is a file that is still written.
    expect(
      readdirSync(target).filter((name) => !/\.ldb$/.test(name) && statSync(join(target, name)).nlink > 1),
    ).toEqual([]);
    expect(readdirSync(target).filter((name) => /\.log$/.test(name))).toEqual([]);
    await writeRandom(store, 50, new Map(), new Prng(SEED + 1));
    await store.compactRange();
    await store.close();

    const copy = await open(target, { ...SMALL, autoCompaction: false });
    expect(await copy.masterRoot()).toEqual(now);
    expect(copy.recovery).toMatchObject({ created: false, groups: 0, lost: [], removed: [], damage: [] });
    expect(copy.recovery.tear).toBeUndefined();
    expect((await copy.verify()).differing).toEqual([]);
    await copy.close();
    await expectHere(target, model);
    await expectInLevelDb(target, model);
    await expectHere(target, model);
  });

  test('opens in LevelDB first', async () => {
    const root = temporaryDirectory();
    const store = await open(join(root, 'store'), SMALL);
    const model: Model = new Map();
    await writeRandom(store, 100, model, new Prng(SEED));
    await store.checkpoint(join(root, 'copy'));
    await store.close();
    await withLevelDb(join(root, 'copy'), (db) => db.put(bytes('new'), bytes('value')));
    model.set(hex(bytes('new')), hex(bytes('value')));
    await expectInLevelDb(join(root, 'copy'), model);
    await expectHere(join(root, 'copy'), model);
  });

  test('of an empty store, in a directory that is there', async () => {
    const root = temporaryDirectory();
    const store = await open(join(root, 'store'), SMALL);
    mkdirSync(join(root, 'copy'));
    expect(await store.checkpoint(join(root, 'copy'))).toMatchObject({ tables: 0, sequence: 0, linked: 0 });
    await store.close();
    await expectHere(join(root, 'copy'), new Map(), { createIfMissing: false });
    await expectInLevelDb(join(root, 'copy'), new Map());
  });

  test('shares nothing with the store where it is not to link', async () => {
    const root = temporaryDirectory();
    const store = await open(join(root, 'store'), SMALL);
    const model: Model = new Map();
    await writeRandom(store, 100, model, new Prng(SEED));
    const report = await store.checkpoint(join(root, 'copy'), { link: false });
    expect(report).toMatchObject({ linked: 0, copied: report.tables });
    for (const name of readdirSync(join(root, 'copy')))
      expect(statSync(join(root, 'copy', name)).nlink).toBe(1);
    await store.close();
    await expectHere(join(root, 'copy'), model);
  });

  test('of a store that LevelDB wrote has the roots that its tables state nowhere', async () => {
    const root = temporaryDirectory();
    const directory = join(root, 'store');
    await (await open(directory, SMALL)).close();
    const model: Model = new Map();
    await withLevelDb(directory, async (db) => {
      for (const batch of randomBatches(model, 400, new Prng(SEED))) {
        await db.batch(batch.map((one) => (one.type === 'put' ? { ...one } : { type: 'del', key: one.key })));
      }
    });
    const store = await open(directory, { ...SMALL, autoCompaction: false });
    const report = await store.checkpoint(join(root, 'copy'));
    expect(report.root).toEqual((await store.masterRoot()).root);
    await store.close();
    await expectHere(join(root, 'copy'), model);
  });

  test('from memory to memory, and to a directory, is copied', async () => {
    const storage = new MemoryStorage();
    const store = await open('memory', { ...SMALL, autoCompaction: false }, { storage });
    for (let i = 0; i < 500; i++) store.putSync(nameOf(i), bytes(`value ${i}`));
    const expected = contentsText(readContents(store));
    const copy = new MemoryStorage();
    const report = await store.checkpoint('copy', {}, { storage: copy });
    expect(report).toMatchObject({ linked: 0, copied: report.tables });
    const directory = join(temporaryDirectory(), 'copy');
    expect((await store.checkpoint(directory)).root).toEqual(report.root);
    await store.close();
    for (const reopened of [await open('copy', SMALL, { storage: copy }), await open(directory, SMALL)]) {
      expect(contentsText(readContents(reopened))).toBe(expected);
      expect((await reopened.verify()).differing).toEqual([]);
      await reopened.close();
    }
  });
});

describe('while a checkpoint is made', () => {
  test.each(['worker', 'inline'] as const)(
    'writes, flushes and compactions go on, and it is one moment of them (flush: %s)',
    async (flush) => {
      const root = temporaryDirectory();
      const store = await open(join(root, 'store'), { ...SMALL, flush });
      // Every batch raises one counter in all keys: in any one moment all keys have the same value.
      const KEYS = 40;
      let round = 0;
      let stop = false;
      const write = async (): Promise<void> => {
        while (!stop) {
          round++;
          const value = bytes(`${round}`.padEnd(100, '.'));
          await store.batch(Array.from({ length: KEYS }, (_, i) => ({ type: 'put', key: nameOf(i), value })));
        }
      };
      const compact = async (): Promise<void> => {
        while (!stop) await store.compactRange();
      };
      const working = [write(), compact()];
      const made: { directory: string; atLeast: number; root: Uint8Array; sequence: number }[] = [];
      for (let i = 0; i < 8; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        const directory = join(root, `copy ${i}`);
        // The write under way is not acknowledged.
        const atLeast = round - 1;
        const report = await store.checkpoint(directory, { link: i % 2 === 0 });
        made.push({ directory, atLeast, root: report.root, sequence: report.sequence });
      }
      stop = true;
      await Promise.all(working);
      const { compactions, levels } = store.stats();
      expect(compactions.failed).toBe(0);
      expect(levels.some((level) => level.compactions > 0)).toBe(true);
      // All versions were released: what is on disk is what the store has.
      await store.compactRange();
      await store.close();
      const tables = readdirSync(join(root, 'store')).filter((name) => name.endsWith('.ldb')).length;
      expect(tables).toBe(store.stats().levels.reduce((sum, level) => sum + level.tables, 0));
      for (const { directory, atLeast, root: masterRoot, sequence } of made) {
        const copy = await open(directory, { ...SMALL, autoCompaction: false });
        const values = new Set([...readContents(copy).values()]);
        expect(values.size).toBe(1);
        const at = Number.parseInt([...values][0]!, 10);
        expect(at).toBeGreaterThanOrEqual(atLeast);
        expect(sequence).toBe(at * KEYS);
        expect(await copy.masterRoot()).toMatchObject({ root: masterRoot, sequence });
        expect((await copy.verify()).differing).toEqual([]);
        await copy.close();
      }
    },
    60_000,
  );

  test('a close gives it up, and leaves nothing of it', async () => {
    const root = temporaryDirectory();
    const store = await open(join(root, 'store'), SMALL);
    for (let i = 0; i < 2000; i++) store.putSync(nameOf(i), bytes('x'.repeat(100)));
    await store.flush();
    const outcome = store.checkpoint(join(root, 'copy'), { link: false });
    outcome.catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    await expect(outcome).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    expect(readdirSync(root)).toEqual(['store']);
    await expect(store.checkpoint(join(root, 'copy'))).rejects.toMatchObject({
      code: ErrorCode.DatabaseNotOpen,
    });
  });
});

describe('a checkpoint is refused, and changes nothing,', () => {
  async function expectRefused(target: (root: string) => unknown, options?: object): Promise<void> {
    const root = temporaryDirectory();
    const store = await open(join(root, 'store'), QUIET);
    for (let i = 0; i < 20; i++) store.putSync(nameOf(i), bytes('x'));
    await store.flush();
    const place = target(root) as string;
    const before = [picture(root), picture(join(root, 'store'))];
    await expect(store.checkpoint(place, options)).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
    expect([picture(root), picture(join(root, 'store'))]).toEqual(before);
    store.putSync(bytes('still'), bytes('open'));
    await store.close();
  }

  test('where something is already, whatever it is', async () => {
    await expectRefused((root) => {
      mkdirSync(join(root, 'other'));
      writeFileSync(join(root, 'other', 'notes.txt'), 'text');
      return join(root, 'other');
    });
    await expectRefused((root) => {
      writeFileSync(join(root, 'file'), 'text');
      return join(root, 'file');
    });
    await expectRefused((root) => {
      writeFileSync(join(root, 'file'), 'text');
      return join(root, 'file', 'below');
    });
  });

  test('in the directory of the store, or through a link into it', async () => {
    await expectRefused((root) => join(root, 'store'));
    await expectRefused((root) => join(root, 'store', 'copy'));
    await expectRefused((root) => join(root, 'store', '..', 'store', 'deep', 'copy'));
    await expectRefused((root) => {
      symlinkSync(join(root, 'store'), join(root, 'link'));
      return join(root, 'link', 'copy');
    });
  });

  test('with arguments that are none', async () => {
    await expectRefused(() => '');
    await expectRefused(() => 7);
    await expectRefused((root) => join(root, 'copy'), { wrong: true });
    await expectRefused((root) => join(root, 'copy'), { link: 'yes' });
  });
});
