import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ErrorCode, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes } from '../support/text-bytes.ts';
import { type Files, openDamaged } from './check-damaged.ts';
import { type Contents, fileLike, SAMPLE_OPTIONS, type SampleStore, sampleStore } from './sample-store.ts';

const sample = await sampleStore('none');
const all = sample.states.length - 1;

function without(files: Files, ...names: string[]): Files {
  return new Map([...files].filter(([name]) => !names.includes(name)));
}

function swapped(files: Files, one: string, other: string): Files {
  return new Map([...files, [one, files.get(other)!], [other, files.get(one)!]]);
}

async function refusalOf(
  store: SampleStore,
  files: Files,
): Promise<{ code: string; file: string | undefined }> {
  const outcome = await openDamaged(store, files);
  if (outcome.kind === 'opened') throw new Error(`opened with states ${outcome.states.join()}`);
  return { code: outcome.error.code, file: outcome.error.file };
}

/** Two journals, as a process leaves them that dies before its frozen memtable was flushed. */
async function storeOfTwoJournals(): Promise<SampleStore> {
  const storage = new MemoryStorage();
  const failing = new FaultStorage(storage);
  // Opened once before: from its first reopen or flush on, the manifest of a store names its journal.
  await open(storage.location, SAMPLE_OPTIONS, { storage }).then((created) => created.close());
  const store = await open(storage.location, SAMPLE_OPTIONS, { storage: failing, clock: new ManualClock() });
  const contents = new Map<string, string>();
  const states: Contents[] = [new Map()];
  // No table can be built: what is frozen stays in its journal.
  failing.install({
    rules: [
      {
        operation: 'create',
        type: 'temp',
        nth: 1,
        times: Number.POSITIVE_INFINITY,
        effect: 'error',
        errno: 'ENOSPC',
      },
    ],
  });
  for (let n = 0; n < 6; n++) {
    if (n === 3) await store.rotateMemtable();
    const [key, value] = [`key-${String(n).padStart(2, '0')}`, `value of ${n}`];
    await store.put(bytes(key), bytes(value), { sync: true });
    contents.set(key, value);
    states.push(new Map(contents));
  }
  const files = storage.snapshot();
  await store.close();
  return { files, states };
}

describe('a store of which a file is missing', () => {
  test.each(fileLike(sample.files, /^(?:MANIFEST-\d+|\d+\.ldb|\d+\.log)$/))(
    '(%s) is refused, and the error names it',
    async (name) => {
      expect(await refusalOf(sample, without(sample.files, name))).toEqual({
        code: ErrorCode.Corruption,
        file: name,
      });
    },
  );

  test('(CURRENT) is refused, with a hint to repair, and nothing is changed', async () => {
    const storage = new MemoryStorage({ files: without(sample.files, 'CURRENT') });
    const before = storage.snapshot();
    await expect(open(storage.location, SAMPLE_OPTIONS, { storage })).rejects.toMatchObject({
      code: ErrorCode.Corruption,
      file: 'CURRENT',
      message: expect.stringContaining('repair'),
    });
    expect(storage.snapshot()).toEqual(before);
    expect(storage.trace.entries).toEqual([]);
  });

  test('(CURRENT, all but one table) is refused like that, too', async () => {
    const [table] = fileLike(sample.files, /\.ldb$/);
    const files = new Map([[table!, sample.files.get(table!)!]]);
    expect(await refusalOf(sample, files)).toEqual({ code: ErrorCode.Corruption, file: 'CURRENT' });
  });

  test('(arena.roots) opens to all of its contents: that file is never needed', async () => {
    const outcome = await openDamaged(sample, without(sample.files, 'arena.roots'));
    expect(outcome).toMatchObject({ kind: 'opened', states: [all], errors: [], differing: 0 });
  });

  test('(a journal) can be opened to the rest, when the caller asks for it, and hears of it', async () => {
    const [journal] = fileLike(sample.files, /\.log$/);
    for (const recover of ['truncate', 'skip'] as const) {
      const storage = new MemoryStorage({ files: without(sample.files, journal!) });
      const store = await open(storage.location, { ...SAMPLE_OPTIONS, recover }, { storage });
      expect(store.recovery.damage).toEqual([
        { file: journal, offset: 0, reason: expect.stringContaining('missing') },
      ]);
      expect(store.getSync(bytes('key-00'))).toBeDefined();
      await store.close();
      // From now on it is a sound store.
      const again = await open(storage.location, SAMPLE_OPTIONS, { storage });
      expect(again.recovery.damage).toEqual([]);
      await again.close();
    }
  });

  test('(the newest of several journals) looks like one whose newest journal never became durable', async () => {
    const store = await storeOfTwoJournals();
    const [older, newer] = fileLike(store.files, /\.log$/);
    expect(await refusalOf(store, without(store.files, older!))).toMatchObject({ file: older });
    expect(await openDamaged(store, without(store.files, newer!))).toMatchObject({
      kind: 'opened',
      states: [3],
    });
  });
});

describe('a store of which two files are swapped', () => {
  test('(tables) is refused, or reads fail, but nothing wrong is read', async () => {
    const [one, other] = fileLike(sample.files, /\.ldb$/);
    const outcome = await openDamaged(sample, swapped(sample.files, one!, other!));
    if (outcome.kind === 'opened') {
      expect(outcome.states).toContain(all);
      expect(outcome.errors.length).toBeGreaterThan(0);
      expect(outcome.differing).toBeGreaterThan(0);
    }
  });

  test('(tables of one size, whose keys are the same) is found by verify, which names both', async () => {
    const storage = new MemoryStorage();
    const store = await open(storage.location, SAMPLE_OPTIONS, { storage, clock: new ManualClock() });
    for (const value of ['one', 'two']) {
      for (let n = 0; n < 9; n++) await store.put(bytes(`key-0${n}`), bytes(value));
      await store.flush();
    }
    await store.close();
    const files = storage.snapshot();
    const [one, other] = fileLike(files, /\.ldb$/);
    expect(files.get(one!)!.length).toBe(files.get(other!)!.length);
    const mixed = new MemoryStorage({ files: swapped(files, one!, other!) });
    const again = await open(mixed.location, SAMPLE_OPTIONS, { storage: mixed, clock: new ManualClock() });
    const { differing } = await again.verify();
    expect(differing.map(({ table }) => `${String(table).padStart(6, '0')}.ldb`).sort()).toEqual([
      one,
      other,
    ]);
    await again.close();
  });

  test('(journals) ends at the gap that the second one shows, reports that, and keeps both', async () => {
    const store = await storeOfTwoJournals();
    const [one, other] = fileLike(store.files, /\.log$/);
    const outcome = await openDamaged(store, swapped(store.files, one!, other!));
    expect(outcome).toMatchObject({
      kind: 'opened',
      states: [0],
      recovery: { tear: { file: one, offset: 0 }, lost: expect.arrayContaining([one, other]) },
    });
  });

  test('(a table and a journal) is refused', async () => {
    const [journal] = fileLike(sample.files, /\.log$/);
    const [table] = fileLike(sample.files, /\.ldb$/);
    const outcome = await openDamaged(sample, swapped(sample.files, journal!, table!));
    expect(outcome.kind === 'refused' || outcome.states.length === 0).toBe(true);
  });

  test('(the manifest and a journal) is refused', async () => {
    const [journal] = fileLike(sample.files, /\.log$/);
    const [manifest] = fileLike(sample.files, /^MANIFEST/);
    expect(await refusalOf(sample, swapped(sample.files, journal!, manifest!))).toEqual({
      code: ErrorCode.Corruption,
      file: manifest,
    });
  });
});

describe('a store with files that are not its own', () => {
  test('leaves names alone that LevelDB would not give', async () => {
    const names = [
      'notes.txt',
      '12.log',
      '000012.log.bak',
      'MANIFEST-',
      'CURRENT.bak',
      '99999999999999999999.ldb',
    ];
    const files = new Map([...sample.files, ...names.map((name) => [name, bytes('mine')] as const)]);
    const storage = new MemoryStorage({ files });
    const store = await open(storage.location, SAMPLE_OPTIONS, { storage });
    await store.put(bytes('key-00'), bytes('new'));
    await store.flush();
    await store.close();
    expect(storage.fileNames()).toEqual(expect.arrayContaining(names));
  });

  test('removes tables and temporary files that no version has, and says so', async () => {
    const files = new Map([...sample.files, ['000777.ldb', bytes('')], ['000778.dbtmp', bytes('half')]]);
    const storage = new MemoryStorage({ files });
    const store = await open(storage.location, SAMPLE_OPTIONS, { storage });
    expect(store.recovery.removed).toEqual(expect.arrayContaining(['000777.ldb', '000778.dbtmp']));
    // Their numbers are not given out again.
    await store.put(bytes('key-00'), bytes('new'));
    await store.flush();
    await store.close();
    const numbers = fileLike(storage.snapshot(), /\.(?:ldb|log)$/).map((name) => Number.parseInt(name, 10));
    expect(Math.max(...numbers)).toBeGreaterThan(778);
  });

  test('reads an empty journal behind its own as what a crash leaves, and a journal of zeros, too', async () => {
    for (const contents of [new Uint8Array(0), new Uint8Array(4096)]) {
      const outcome = await openDamaged(sample, new Map([...sample.files, ['000900.log', contents]]));
      expect(outcome).toMatchObject({ kind: 'opened', states: [all], errors: [] });
    }
  });

  test('refuses an empty table in place of one it needs', async () => {
    const [table] = fileLike(sample.files, /\.ldb$/);
    const files = new Map([...sample.files, [table!, new Uint8Array(0)]]);
    expect(await refusalOf(sample, files)).toEqual({ code: ErrorCode.Corruption, file: table });
  });
});
