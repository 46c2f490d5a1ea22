import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ErrorCode, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import { openDamaged } from './check-damaged.ts';
import { manifestOf } from './manifests.ts';
import { fileLike, recordOffsets, SAMPLE_OPTIONS, sampleStore } from './sample-store.ts';

const sample = await sampleStore('none');
const [manifest] = fileLike(sample.files, /^MANIFEST/);
const state = manifestOf(sample.files.get(manifest!)!);

/** The sample on disk. */
function sampleDirectory(): string {
  const directory = temporaryDirectory();
  for (const [name, contents] of sample.files) writeFileSync(join(directory, name), contents);
  return directory;
}

function contentsOf(directory: string): Map<string, string> {
  const ours = /^(?:LOCK|LOG|arena\.holder)/;
  const names = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    names
      .filter(({ name }) => !ours.test(name))
      .map(({ name }) => [name, readFileSync(join(directory, name), 'latin1')]),
  );
}

async function expectRefused(directory: string, expected: object): Promise<void> {
  const before = contentsOf(directory);
  await expect(open(directory, SAMPLE_OPTIONS)).rejects.toMatchObject(expected);
  expect(contentsOf(directory)).toEqual(before);
}

describe('CURRENT', () => {
  test.each([
    ['nothing', ''],
    ['a name without a newline', manifest!],
    ['a name and two newlines', `${manifest}\n\n`],
    ['a name and a carriage return', `${manifest}\r\n`],
    ['a path out of the store', '../../../../etc/passwd\n'],
    ['a path to its own manifest', `./${manifest}\n`],
    ['a path by way of a folder', `../db/${manifest}\n`],
    ['the name of another file', '000004.ldb\n'],
    ['a number without its zeros', 'MANIFEST-5\n'],
    ['a number above 2^53', 'MANIFEST-99999999999999999999\n'],
    ['a NUL', `${manifest}\0\n`],
    ['a megabyte', 'M'.repeat(1 << 20)],
  ])('that holds %s is refused, and nothing is changed', async (_, content) => {
    const directory = sampleDirectory();
    writeFileSync(join(directory, 'CURRENT'), content);
    await expectRefused(directory, { code: ErrorCode.Corruption, file: 'CURRENT' });
  });

  test('that names a manifest which is not there is refused, and the error names that', async () => {
    const directory = sampleDirectory();
    writeFileSync(join(directory, 'CURRENT'), 'MANIFEST-000999\n');
    await expectRefused(directory, { code: ErrorCode.Corruption, file: 'MANIFEST-000999' });
  });

  test('that is a directory is refused', async () => {
    const directory = sampleDirectory();
    rmSync(join(directory, 'CURRENT'));
    mkdirSync(join(directory, 'CURRENT'));
    await expectRefused(directory, { code: ErrorCode.IoError, file: 'CURRENT' });
  });

  test.each(['CURRENT', manifest!, ...fileLike(sample.files, /\.(?:log)$/)])(
    'a symbolic link in place of %s is refused, wherever it leads',
    async (name) => {
      const directory = sampleDirectory();
      const elsewhere = join(temporaryDirectory(), name);
      renameSync(join(directory, name), elsewhere);
      symlinkSync(elsewhere, join(directory, name));
      await expectRefused(directory, { code: ErrorCode.IoError, file: name });
    },
  );

  test('of a store that is itself reached by a symbolic link is read', async () => {
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(sampleDirectory(), link);
    const store = await open(link, SAMPLE_OPTIONS);
    expect(store.getSync(bytes('key-00'))).toBeDefined();
    await store.close();
  });
});

describe('a manifest', () => {
  const [first, second] = state.tables;
  test.each([
    ['another comparator', state.encode({ comparator: 'my.Comparator' }), ErrorCode.NotSupported],
    ['no comparator', state.encode({ comparator: undefined }), ErrorCode.Corruption],
    ['level 99', state.encode({ newTables: [{ ...first!, level: 99 }] }), ErrorCode.Corruption],
    ['level 7', state.encode({ newTables: [{ ...first!, level: 7 }] }), ErrorCode.Corruption],
    [
      'a table in two levels',
      state.encode({ newTables: [first!, { ...first!, level: 1 }] }),
      ErrorCode.Corruption,
    ],
    [
      'two tables of one number',
      state.encode({
        newTables: [first!, { level: 0, table: { ...second!.table, number: first!.table.number } }],
      }),
      ErrorCode.Corruption,
    ],
    [
      'tables of a deeper level that overlap',
      state.encode({ newTables: state.tables.map(({ table }) => ({ level: 1, table })) }),
      ErrorCode.Corruption,
    ],
    [
      'a table that ends before it begins',
      state.encode({
        newTables: [
          {
            level: 0,
            table: { ...first!.table, smallest: first!.table.largest, largest: first!.table.smallest },
          },
        ],
      }),
      ErrorCode.Corruption,
    ],
    [
      'the deletion of a table that is not there',
      state.encode({ deletedTables: [{ level: 3, number: 4711 }] }),
      ErrorCode.Corruption,
    ],
    ['no journal number', state.encode({ logNumber: undefined }), ErrorCode.Corruption],
    ['no file number', state.encode({ nextFileNumber: undefined }), ErrorCode.Corruption],
    ['no sequence number', state.encode({ lastSequence: undefined }), ErrorCode.Corruption],
    ['nothing at all', new Uint8Array(0), ErrorCode.Corruption],
  ])('that states %s is refused, by its name', async (_, contents, code) => {
    const outcome = await openDamaged(sample, new Map([...sample.files, [manifest!, contents]]));
    expect(outcome).toMatchObject({ kind: 'refused', error: { code, file: manifest } });
  });

  test('that states a table longer than its file is refused, and the error names the table', async () => {
    const table = { ...first!.table, size: first!.table.size + 1 };
    const contents = state.encode({ newTables: [{ level: 0, table }, second!] });
    const outcome = await openDamaged(sample, new Map([...sample.files, [manifest!, contents]]));
    const file = `${String(table.number).padStart(6, '0')}.ldb`;
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: ErrorCode.Corruption, file } });
  });

  test('that has lost its last edit is refused, though all that it names is there', async () => {
    const contents = sample.files.get(manifest!)!;
    const shorter = contents.subarray(0, recordOffsets(contents).at(-2));
    const journal = `${String(manifestOf(shorter).logNumber).padStart(6, '0')}.log`;
    const files = new Map([...sample.files, [manifest!, shorter], [journal, new Uint8Array(0)]]);
    expect(await openDamaged(sample, files)).toMatchObject({
      kind: 'refused',
      error: { code: ErrorCode.Corruption, file: manifest, offset: shorter.length },
    });
  });

  test('that states the same as before in one record opens to the same', async () => {
    const files = new Map([...sample.files, [manifest!, state.encode({})]]);
    // It has the number of a longer one, so that the record of that one's length must go.
    files.delete('arena.roots');
    const outcome = await openDamaged(sample, files);
    expect(outcome).toMatchObject({ kind: 'opened', states: [sample.states.length - 1], errors: [] });
  });
});
