/** Levels as LevelDB may leave them: two neighbours of a level share a user key, the newer versions in the first one. */
import { Prng } from '@arena-level/common/base/prng';
import { runNow } from '@arena-level/common/base/steps';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { DEFAULT_TABLE_OPTIONS } from '@arena-level/common/table/table-options';
import { type OpenOptions, open, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import type { VersionedEntry } from '../../packages/engine/src/iterator/entry-run.test-support.ts';
import type { NewTable } from '../../packages/engine/src/manifest/version-edit.ts';
import { randomLayout, writeTable } from '../../packages/engine/src/read/store-picture.test-support.ts';
import { VersionSet } from '../../packages/engine/src/version/version-set.ts';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { bytes } from '../support/text-bytes.ts';

const SEED = seedFromEnvironment(20_261_126);
const OPTIONS: OpenOptions = {
  flush: 'inline',
  writeBufferSize: 4096,
  maxFileSize: 4096,
  level1Size: 4096,
  levelSizeMultiplier: 2,
};

type Tables = readonly (readonly VersionedEntry[])[];

/** `key@sequence`, with a minus sign before a deletion; a value says where it is from. */
function entry(literal: string): VersionedEntry {
  const isDelete = literal.startsWith('-');
  const [key, sequence] = literal.replace('-', '').split('@');
  return {
    key: bytes(key!),
    sequence: Number(sequence),
    kind: isDelete ? ValueKind.Delete : ValueKind.Put,
    value: isDelete ? bytes('') : bytes(literal),
  };
}

const table = (text: string): VersionedEntry[] => text.split(' ').map(entry);

/** A store whose levels are these tables, level 0 newest first. */
function filesOf(levels: readonly (Tables | undefined)[]): MemoryStorage {
  const storage = new MemoryStorage();
  const versions = runNow(VersionSet.create(storage));
  const all = levels.flatMap((tables) => tables ?? []).flat();
  const options = { ...DEFAULT_TABLE_OPTIONS, blockBytes: 256 };
  const newTables: NewTable[] = [];
  for (const [level, tables] of levels.entries()) {
    for (const run of level === 0 ? [...(tables ?? [])].reverse() : (tables ?? [])) {
      newTables.push({ level, table: writeTable(storage, versions.newFileNumber(), run, options) });
    }
  }
  storage.syncDirectoryNow();
  const lastSequence = all.reduce((last, { sequence }) => Math.max(last, sequence), 0);
  runNow(versions.commit({ newTables, lastSequence }));
  versions.closeNow();
  return storage;
}

function contentsOf(levels: readonly (Tables | undefined)[]): Map<string, string> {
  const newest = new Map<string, VersionedEntry>();
  for (const one of levels.flatMap((tables) => tables ?? []).flat()) {
    const key = Buffer.from(one.key).toString();
    if ((newest.get(key)?.sequence ?? -1) < one.sequence) newest.set(key, one);
  }
  const contents = new Map<string, string>();
  for (const [key, { kind, value }] of [...newest].sort()) {
    if (kind === ValueKind.Put) contents.set(key, Buffer.from(value).toString());
  }
  return contents;
}

function openIn(storage: MemoryStorage, options: OpenOptions = {}): Promise<Store> {
  return open(storage.location, { ...OPTIONS, ...options }, { storage, clock: new ManualClock() });
}

function expectContents(store: Store, expected: ReadonlyMap<string, string>, what: string): void {
  expect(contentsText(readContents(store)), what).toBe(contentsText(expected));
  for (const [key, value] of expected) {
    expect(Buffer.from(store.getSync(bytes(key))!).toString(), what).toBe(value);
  }
}

const LEVELS: readonly { readonly name: string; readonly levels: readonly (Tables | undefined)[] }[] = [
  {
    name: 'a deletion before what it deletes',
    levels: [[], [table('a@9 -k@8'), table('k@5 p@6')], [table('a@1 z@2')]],
  },
  {
    name: 'versions over three tables',
    levels: [[], [table('a@9 -k@8'), table('k@7'), table('k@5 p@6')], [table('k@1 z@2')]],
  },
  {
    name: 'in the level that is merged into',
    levels: [[table('b@20 -j@21')], [table('a@9 j@8'), table('j@5 p@6')], [table('b@1 z@2')]],
  },
  {
    name: 'in two levels',
    levels: [
      [],
      [table('a@19 -k@18'), table('k@15 p@16')],
      [table('a@9 k@8'), table('k@5 p@6')],
      [table('k@1')],
    ],
  },
];

describe.each(LEVELS)('a user key that neighbours share: $name', ({ levels }) => {
  const expected = contentsOf(levels);
  const bounds = [undefined, 'a', 'j', 'k', 'l'];

  test('compactions of any range show the same', async () => {
    for (const start of bounds) {
      for (const end of bounds) {
        const where = `from ${start} to ${end}`;
        const storage = filesOf(levels);
        let store = await openIn(storage, { autoCompaction: false });
        expectContents(store, expected, `before, ${where}`);
        const [low, high] = [start, end].map((bound) => (bound === undefined ? undefined : bytes(bound)));
        await store.compactRange(low, high);
        expectContents(store, expected, where);
        await store.compactRange();
        expectContents(store, expected, `all, ${where}`);
        await store.close();
        store = await openIn(storage);
        expectContents(store, expected, `reopened, ${where}`);
        expect((await store.verify()).differing).toEqual([]);
        await store.close();
      }
    }
  });

  test('it is deleted and cleared whole', async () => {
    const store = await openIn(filesOf(levels), { autoCompaction: false });
    await store.clear({ gte: bytes('j'), lte: bytes('k') });
    const left = new Map([...expected].filter(([key]) => key < 'j' || key > 'k'));
    expectContents(store, left, 'cleared');
    await store.compactRange();
    expectContents(store, left, 'compacted');
    await store.close();
  });
});

test(`random levels that are cut anywhere stay what they are through all compactions (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  for (let round = 0; round < 40; round++) {
    const key = (): Uint8Array => bytes(`key-${String(prng.below(12)).padStart(2, '0')}`);
    const { levels = [] } = randomLayout(prng, key);
    const expected = contentsOf(levels);
    const where = `seed ${SEED}, round ${round}`;
    const storage = filesOf(levels);
    let store = await openIn(storage, { seekCompaction: true });
    expectContents(store, expected, where);
    for (let n = 0; n < 4; n++) {
      const [low, high] = [key(), key()].sort(Buffer.compare);
      await store.compactRange(prng.oneIn(4) ? undefined : low, prng.oneIn(4) ? undefined : high);
      expectContents(store, expected, `${where}, ${n}`);
    }
    await store.settled();
    expectContents(store, expected, `${where}, settled`);
    await store.close();
    store = await openIn(storage);
    expectContents(store, expected, `${where}, reopened`);
    await store.close();
  }
});
