/** The four troubles of a flush, made for real, and what the doctor says of them. */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNow } from '@arena-level/common/base/steps';
import { BLOCK_TRAILER_BYTES, BlockType, writeBlockTrailer } from '@arena-level/common/block/block-trailer';
import type { FaultRule } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { FileType, tableFile } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { openTableIndex } from '@arena-level/common/table/table-reader';
import {
  type Diagnosis,
  diagnose,
  diagnoseStats,
  ErrorCode,
  type OpenOptions,
  open,
  type Store,
} from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { RootsFile, readRoots } from '../../packages/engine/src/roots/roots-file.ts';
import { eventually } from '../support/eventually.ts';
import { HeldExecutor } from '../support/held-executor.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';

const SMALL: OpenOptions = { flush: 'inline', writeBufferSize: 16 * 1024, autoCompaction: false };

async function fill(store: Store, from = 0, count = 100): Promise<void> {
  for (let i = from; i < from + count; i++) await store.put(key(i), bytes('value'));
}

/** A store with two tables and a journal, closed. */
async function soundStore(directory: string): Promise<void> {
  const store = await open(directory, SMALL);
  await fill(store, 0);
  await store.flush();
  await fill(store, 100);
  await store.flush();
  await fill(store, 200, 10);
  await store.close();
}

/** What a process leaves that ends at once. */
function asAfterKill(directory: string): string {
  const copy = join(temporaryDirectory(), 'killed');
  cpSync(directory, copy, { recursive: true });
  rmSync(join(copy, 'arena.holder'));
  return copy;
}

const kinds = ({ findings }: Diagnosis): string[] =>
  findings.map(({ severity, kind, file }) => `${severity} ${kind} ${file}`);

const named = (directory: string, pattern: RegExp): string[] =>
  readdirSync(directory)
    .filter((name) => pattern.test(name))
    .sort();

function failing(rule: Pick<FaultRule, 'operation' | 'type'>): FaultRule {
  return { nth: 1, times: Number.POSITIVE_INFINITY, effect: 'error', errno: 'EIO', ...rule } as FaultRule;
}

interface Faulty {
  readonly store: Store;
  readonly storage: FaultStorage;
  readonly clock: ManualClock;
}

async function openFaulty(directory: string): Promise<Faulty> {
  const storage = new FaultStorage(new NodeStorage(directory));
  const clock = new ManualClock();
  return { store: await open(directory, SMALL, { storage, clock }), storage, clock };
}

/** Lets a flush fail as often as it is tried. */
async function failToFlush({ store, clock }: Faulty): Promise<void> {
  await expect(store.flush()).rejects.toThrow();
  clock.advance(1000);
  await eventually(() => store.stats().flushes.failure !== undefined);
}

/** Nothing is waited for: what is so now is so. */
const look = (directory: string): Promise<Diagnosis> => diagnose(directory, { waitMs: 0 });

describe('a sound store', () => {
  test('has no findings: closed, open, after a kill, after a compaction', async () => {
    const directory = temporaryDirectory();
    await soundStore(directory);
    expect(await look(directory)).toEqual({
      location: directory,
      holder: undefined,
      manifest: expect.stringMatching(/^MANIFEST-\d+$/),
      lastSequence: 200,
      tables: { count: 2, bytes: expect.any(Number), entries: 200 },
      journals: { count: 1, bytes: expect.any(Number), entries: 10 },
      findings: [],
    });
    const store = await open(directory, SMALL);
    await fill(store, 300);
    const live = await look(directory);
    expect(live.holder).toMatch(/^this process, thread \d+/);
    expect(live.findings).toEqual([]);
    expect((await look(asAfterKill(directory))).findings).toEqual([]);
    await store.compactRange();
    expect((await look(directory)).findings).toEqual([]);
    expect(diagnoseStats(store.stats())).toEqual([]);
    await store.close();
    expect((await look(directory)).findings).toEqual([]);
    expect((await diagnose(directory, { quick: true })).findings).toEqual([]);
  });

  test('is not changed by a look at it', async () => {
    const directory = temporaryDirectory();
    await soundStore(directory);
    const before = named(directory, /./).map((name) => [name, readFileSync(join(directory, name), 'hex')]);
    await look(directory);
    expect(named(directory, /./).map((name) => [name, readFileSync(join(directory, name), 'hex')])).toEqual(
      before,
    );
  });
});

describe('a frozen MemDB that is not released', () => {
  test('whose flush is not answered is seen in its journal, in the statistics, and after a kill', async () => {
    const directory = temporaryDirectory();
    const clock = new ManualClock();
    const executor = new HeldExecutor(new NodeStorage(directory));
    const store = await open(directory, SMALL, { clock, executor });
    await fill(store);
    await store.rotateMemtable();
    await fill(store, 100, 10);
    const [journal] = named(directory, /\.log$/);
    expect(kinds(await look(directory))).toEqual([`warning frozen-memdb ${journal}`]);
    expect(diagnoseStats(store.stats())).toEqual([]);
    clock.advance(61_000);
    expect(diagnoseStats(store.stats())).toMatchObject([
      { kind: 'frozen-memdb', severity: 'warning', words: expect.stringContaining('the oldest for 61 s') },
    ]);
    const killed = await look(asAfterKill(directory));
    expect(kinds(killed)).toEqual([`notice frozen-memdb ${journal}`]);
    expect(killed.findings[0]!.words).toContain('100 writes');
    executor.release();
    await store.flush();
    expect((await look(directory)).findings).toEqual([]);
    expect(diagnoseStats(store.stats())).toEqual([]);
    await store.close();
  });

  test('whose flush keeps failing is a problem that names the cause', async () => {
    const directory = temporaryDirectory();
    const faulty = await openFaulty(directory);
    await fill(faulty.store);
    faulty.storage.install({ rules: [failing({ operation: 'create', type: FileType.Temp })] });
    await failToFlush(faulty);
    const [finding, ...others] = diagnoseStats(faulty.store.stats());
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ kind: 'frozen-memdb', severity: 'problem' });
    expect(finding!.words).toMatch(/^1 frozen MemDB waits for the flush, which fails: creating .*EIO/);
    faulty.storage.install({ rules: [] });
    await faulty.store.resume();
    await faulty.store.flush();
    expect(diagnoseStats(faulty.store.stats())).toEqual([]);
    await faulty.store.close();
  });

  test('that an open iterator holds after its flush is named as that', async () => {
    const store = await open(temporaryDirectory(), SMALL);
    await fill(store);
    const iterator = store.iterator();
    await iterator.next();
    await store.flush();
    expect(diagnoseStats(store.stats())).toMatchObject([
      {
        kind: 'frozen-memdb',
        severity: 'warning',
        words: expect.stringMatching(/^One MemDB is flushed and not released: an iterator that is open/),
      },
    ]);
    iterator.close();
    expect(diagnoseStats(store.stats())).toEqual([]);
    await store.close();
  });
});

describe('a journal left behind', () => {
  test('since it could not be removed is seen while the store is open, and goes with the next open', async () => {
    const directory = temporaryDirectory();
    const { store, storage } = await openFaulty(directory);
    await fill(store);
    const [journal] = named(directory, /\.log$/);
    storage.install({ rules: [failing({ operation: 'remove', type: FileType.Journal })] });
    await store.flush();
    const live = await look(directory);
    expect(kinds(live)).toEqual([`warning journal-left-behind ${journal}`]);
    expect(live.findings[0]!.words).toMatch(/All its writes are in tables.*needs journals from \d+\.log on/);
    await store.close();
    expect(kinds(await look(directory))).toEqual([`warning journal-left-behind ${journal}`]);
    await (await open(directory, SMALL)).close();
    expect((await look(directory)).findings).toEqual([]);
  });

  test('that was put back under a number that is in use is told from one that is needed', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, SMALL);
    await fill(store);
    const [journal] = named(directory, /\.log$/);
    const kept = readFileSync(join(directory, journal!));
    await store.flush();
    await store.close();
    const [next] = named(directory, /\.log$/);
    writeFileSync(join(directory, next!), kept);
    const { findings } = await look(directory);
    expect(findings).toMatchObject([{ kind: 'journal-left-behind', severity: 'warning', file: next }]);
    expect(findings[0]!.words).toContain('up to number 100, are in tables already');
  });
});

describe('a version that was not committed', () => {
  test('since the manifest could not be written is seen in its table', async () => {
    const directory = temporaryDirectory();
    const faulty = await openFaulty(directory);
    await fill(faulty.store, 0);
    await faulty.store.flush();
    await fill(faulty.store, 100);
    const before = named(directory, /\.ldb$/);
    faulty.storage.install({
      rules: [
        failing({ operation: 'write', type: FileType.Manifest }),
        failing({ operation: 'create', type: FileType.Manifest }),
      ],
    });
    await failToFlush(faulty);
    const [table] = named(directory, /\.ldb$/).filter((name) => !before.includes(name));
    const [journal] = named(directory, /\.log$/);
    const expected = [`warning version-not-committed ${table}`];
    expect(kinds(await look(directory)).sort()).toEqual(
      [`warning frozen-memdb ${journal}`, ...expected].sort(),
    );
    const killed = await look(asAfterKill(directory));
    expect(kinds(killed)).toEqual([...expected, `notice frozen-memdb ${journal}`]);
    expect(killed.findings[0]!.words).toMatch(/no edit of MANIFEST-\d+ lists it/);
    faulty.storage.install({ rules: [] });
    await faulty.store.resume();
    await faulty.store.flush();
    expect((await look(directory)).findings).toEqual([]);
    await faulty.store.close();
  });

  test('is seen in a manifest that ends inside of an edit', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, SMALL);
    await fill(store);
    await store.flush();
    const killed = asAfterKill(directory);
    await store.close();
    const [manifest] = named(killed, /^MANIFEST/);
    const path = join(killed, manifest!);
    truncateSync(path, readFileSync(path).length - 5);
    const { findings } = await look(killed);
    // The edit was durable: the side file knows of it.
    expect(findings.map(({ kind, severity, file }) => [kind, severity, file])).toContainEqual([
      'version-not-committed',
      'problem',
      manifest,
    ]);
    expect(findings.map(({ words }) => words).join()).toMatch(/ends in the middle of an edit, at offset \d+/);
    rmSync(join(killed, 'arena.roots'));
    const without = await look(killed);
    expect(kinds(without)).toContain(`warning version-not-committed ${manifest}`);
    expect(without.findings.some(({ severity }) => severity === 'problem')).toBe(false);
  });

  test('is seen in a manifest that CURRENT was not switched to', async () => {
    const directory = temporaryDirectory();
    const faulty = await openFaulty(directory);
    await fill(faulty.store);
    await faulty.store.close();
    // The next open writes a whole new manifest; its switch fails, and so does taking it back.
    const { storage } = faulty;
    storage.install({
      rules: [
        failing({ operation: 'rename', type: FileType.Current }),
        failing({ operation: 'remove', type: FileType.Manifest }),
      ],
    });
    await expect(open(directory, SMALL, { storage })).rejects.toMatchObject({ code: ErrorCode.IoError });
    const [, manifest] = named(directory, /^MANIFEST/);
    const { findings } = await look(directory);
    expect(findings).toContainEqual(
      expect.objectContaining({ kind: 'version-not-committed', severity: 'warning', file: manifest }),
    );
  });
});

describe('a MasterRoot that does not match the tables', () => {
  test('in the record of exactly this version is seen, and the open refuses it', async () => {
    const directory = temporaryDirectory();
    await soundStore(directory);
    const storage = new NodeStorage(directory);
    const contents = runNow(readRoots(storage));
    const roots = new RootsFile(storage, contents, { newFileNumber: () => 999 });
    runNow(roots.append({ ...contents.last!, masterRoot: new Uint8Array(32).fill(7) }, []));
    roots.closeNow();
    const found = await look(directory);
    // The store was reopened by nobody: the record still names its version.
    expect(kinds(found)).toEqual(['problem master-root-mismatch arena.roots']);
    expect(found.findings[0]!.words).toContain('0707070707070707… is recorded');
    expect(kinds(await diagnose(directory, { quick: true }))).toEqual(kinds(found));
    await expect(open(directory, SMALL)).rejects.toMatchObject({ code: ErrorCode.Corruption });
    // What it says to do helps.
    rmSync(join(directory, 'arena.roots'));
    await (await open(directory, SMALL)).close();
    expect((await look(directory)).findings).toEqual([]);
  });

  test('since a table was replaced by another sound one is seen in that table', async () => {
    const directory = temporaryDirectory();
    await soundStore(directory);
    const other = temporaryDirectory();
    const store = await open(other, SMALL);
    for (let i = 0; i < 100; i++) await store.put(key(i), bytes('VALUE'));
    await store.flush();
    await store.close();
    const [table] = named(directory, /\.ldb$/);
    cpSync(join(other, named(other, /\.ldb$/)[0]!), join(directory, table!));
    const { findings } = await look(directory);
    expect(findings.map(({ kind, severity, file }) => `${severity} ${kind} ${file}`)).toEqual([
      `problem master-root-mismatch ${table}`,
      'problem master-root-mismatch arena.roots',
    ]);
    expect(findings[0]!.words).toMatch(
      /The table has the root [0-9a-f]{16}…, and [0-9a-f]{16}… was recorded/,
    );
  });

  test('since data were changed with their checksum is seen in the table, and only by reading it', async () => {
    const directory = temporaryDirectory();
    await soundStore(directory);
    const [table] = named(directory, /\.ldb$/);
    changeData(directory, Number.parseInt(table!, 10));
    const { findings } = await look(directory);
    expect(findings).toMatchObject([{ kind: 'master-root-mismatch', severity: 'problem', file: table }]);
    expect(findings[0]!.words).toMatch(/data of the table are not those of its root: .*data block 0/);
    expect((await diagnose(directory, { quick: true })).findings).toEqual([]);
  });
});

/** Turns a value into another, and makes the checksum fit. */
function changeData(directory: string, number: number): void {
  const path = join(directory, `${String(number).padStart(6, '0')}.ldb`);
  const contents = readFileSync(path);
  const file = new NodeStorage(directory).openReadNow(tableFile(number));
  const { offset, size } = runNow(openTableIndex(file, file.size)).handle(0);
  file.closeNow();
  const at = contents.indexOf('value', offset);
  expect(at).toBeLessThan(offset + size);
  contents[at] = 'V'.charCodeAt(0);
  expect(contents[offset + size]).toBe(BlockType.Raw);
  writeBlockTrailer(contents, offset + size, contents, offset, offset + size, BlockType.Raw);
  expect(BLOCK_TRAILER_BYTES).toBe(5);
  writeFileSync(path, contents);
}
