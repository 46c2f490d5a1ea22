import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ErrorCode, repair } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { contentsText } from '../crash/store-contents.ts';
import { manifestOf } from '../damage/manifests.ts';
import { fileLike, recordOffsets, sampleStore } from '../damage/sample-store.ts';
import { tableRegions } from '../damage/table-regions.ts';
import { changed, contentsOf, flipped, repairedText, repairInMemory } from './repaired.ts';

const sample = await sampleStore('none');
const { files } = sample;
const whole = contentsText(sample.states.at(-1)!);
const manifest = fileLike(files, /^MANIFEST/)[0]!;
const [older, newer] = fileLike(files, /\.ldb$/) as [string, string];
const journal = fileLike(files, /\.log$/).at(-1)!;
const bytesOf = (name: string): Uint8Array => files.get(name)!;
const garbage = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 89 + 7) & 0xff);

describe('a store that needs no repair', () => {
  test('holds the same afterwards, in the same levels, however often', async () => {
    const first = await repairInMemory(files);
    expect(contentsText(first.contents)).toBe(whole);
    expect(first.report).toMatchObject({
      levelsKept: true,
      ageIsCertain: true,
      kept: expect.arrayContaining([older, newer]),
      rewritten: [],
      renamed: [],
      missing: [],
      unreadable: [],
      damage: [],
    });
    expect(first.report.journals).toEqual([{ file: journal, entries: 5 }]);
    expect(first.report.lost).toEqual(expect.arrayContaining([manifest, journal]));
    expect(await repairedText(first.storage.snapshot())).toBe(whole);
  });

  test('does not get back what is in no version: leftovers go to lost/', async () => {
    const stale = changed(files, { '000001.log': bytesOf(journal), '000900.ldb': bytesOf(older) });
    const { report, contents } = await repairInMemory(stale);
    expect(contentsText(contents)).toBe(whole);
    expect(report.lost).toEqual(expect.arrayContaining(['000001.log', '000900.ldb']));
    expect(report.journals).toHaveLength(1);
  });
});

describe('CURRENT', () => {
  test.each([
    ['that is missing', undefined],
    ['that is garbage', garbage(30)],
    ['that names no manifest there is', Buffer.from('MANIFEST-000999\n')],
  ])('%s is written anew, and the levels are kept', async (_, current) => {
    const { report, contents } = await repairInMemory(changed(files, { CURRENT: current }));
    expect(contentsText(contents)).toBe(whole);
    expect(report.levelsKept).toBe(_ !== 'that names no manifest there is');
  });

  test('that is missing, with a manifest beside it that a crash left unfinished: the one before counts', async () => {
    const { report, contents } = await repairInMemory(
      changed(files, { CURRENT: undefined, 'MANIFEST-000900': bytesOf(manifest).subarray(0, 5) }),
    );
    expect(contentsText(contents)).toBe(whole);
    expect(report.levelsKept).toBe(true);
  });
});

describe('a manifest', () => {
  test.each([
    ['that is missing', undefined],
    ['that is garbage', garbage(400)],
    ['that is empty', new Uint8Array(0)],
    ['with a byte changed', flipped(bytesOf(manifest), 9)],
    ['that is cut where a record ends', bytesOf(manifest).subarray(0, recordOffsets(bytesOf(manifest))[1])],
  ])('%s is rebuilt from tables and journals', async (_, contents) => {
    const repaired = await repairInMemory(changed(files, { [manifest]: contents }));
    expect(contentsText(repaired.contents)).toBe(whole);
    expect(repaired.report.levelsKept).toBe(false);
    expect(repaired.report.damage.map(({ file }) => file)).toContain(manifest);
    expect(repaired.report.lastSequence).toBeGreaterThan(30);
  });

  test('of another comparator is no damage, and refused', async () => {
    const foreign = manifestOf(bytesOf(manifest)).encode({ comparator: 'my.Comparator' });
    const storage = new MemoryStorage({ files: changed(files, { [manifest]: foreign }) });
    const length = storage.trace.entries.length;
    await expect(repair('memory', {}, { storage })).rejects.toMatchObject({ code: ErrorCode.NotSupported });
    expect(storage.trace.entries).toHaveLength(length);
  });
});

describe('a table', () => {
  const regions = tableRegions(bytesOf(older));

  test('with a damaged data block loses the entries of that block, and is told from the others', async () => {
    const { offset } = regions.data;
    const { report, contents, storage } = await repairInMemory(
      changed(files, { [older]: flipped(bytesOf(older), offset + 20) }),
    );
    expect(report.damage).toMatchObject([
      { file: older, offset, reason: expect.stringContaining('checksum') },
    ]);
    expect(report.levelsKept).toBe(true);
    expect(report.rewritten.map(({ from }) => from)).toEqual([older, newer]);
    expect(report.lost).toContain(older);
    expect(storage.fileNames()).toContain(`lost/${older}`);
    const expected = sample.states.at(-1)!;
    for (const [key, value] of contents) expect(expected.get(key)).toBe(value);
    // Four entries of the first block have been written again since, the others are gone.
    expect(contents.size).toBeLessThan(expected.size);
    expect(contents.size).toBeGreaterThan(expected.size - 6);
  });

  test.each(['filter', 'merkle', 'metaindex', 'index', 'footer'] as const)(
    'with a damaged %s is written anew with all its entries',
    async (region) => {
      const { offset, size } = regions[region];
      for (const at of [offset, offset + size - 1]) {
        const damaged = changed(files, { [older]: flipped(bytesOf(older), at) });
        for (const current of [bytesOf('CURRENT'), undefined]) {
          const { report, contents } = await repairInMemory(
            changed(damaged, { CURRENT: current, [manifest]: current && bytesOf(manifest) }),
          );
          expect(contentsText(contents), `${region} at ${at}`).toBe(whole);
          expect(report.rewritten[0]?.from).toBe(older);
          expect(report.damage.map(({ file }) => file)).toContain(older);
        }
      }
    },
  );

  test('that is cut keeps the blocks before the cut', async () => {
    const cut = bytesOf(older).subarray(0, regions.data.size + 5 + 100);
    const { report, contents } = await repairInMemory(changed(files, { [older]: cut }));
    expect(report.rewritten[0]).toMatchObject({ from: older });
    expect(report.rewritten[0]!.entries).toBeGreaterThan(2);
    expect(contents.get('key-00')).toBe(sample.states.at(-1)!.get('key-00'));
  });

  test.each([
    ['is garbage', garbage(3000)],
    ['is empty', new Uint8Array(0)],
  ])('that %s goes to lost/, and the store opens without it', async (_, contents) => {
    const repaired = await repairInMemory(changed(files, { [older]: contents }));
    expect(repaired.report).toMatchObject({ levelsKept: true, unreadable: [older], kept: [newer] });
    expect(repaired.report.lost).toContain(older);
    expect(repaired.contents.size).toBeGreaterThan(0);
  });

  test('that is missing is reported, and the store opens without it', async () => {
    const { report, contents } = await repairInMemory(changed(files, { [older]: undefined }));
    expect(report).toMatchObject({ levelsKept: true, missing: [older], kept: [newer], rewritten: [] });
    for (const [key, value] of contents) expect(sample.states.at(-1)!.get(key)).toBe(value);
  });

  test('that has changed places with another is found by its keys', async () => {
    const swapped = changed(files, { [older]: bytesOf(newer), [newer]: bytesOf(older) });
    const { report, contents } = await repairInMemory(swapped);
    expect(contentsText(contents)).toBe(whole);
    expect(report.levelsKept).toBe(false);
    expect(report.renamed).toHaveLength(1);
  });
});

describe('a journal', () => {
  test('with damage gives all records that can be read, before it and behind it', async () => {
    const offsets = recordOffsets(bytesOf(journal));
    const damaged = flipped(bytesOf(journal), offsets[2]! + 20);
    const { report, contents } = await repairInMemory(changed(files, { [journal]: damaged }));
    expect(report.damage).toMatchObject([{ file: journal, offset: expect.any(Number) }]);
    expect(report.lost).toContain(journal);
    expect(contents.get('key-02')).toBe(sample.states.at(-1)!.get('key-02'));
    expect(report.journals[0]!.entries).toBeLessThan(5);
  });

  test('that is torn does not hide the ones behind it', async () => {
    const tornFirst = changed(files, {
      [journal]: bytesOf(journal).subarray(0, recordOffsets(bytesOf(journal))[3]! + 9),
      '000800.log': bytesOf(journal),
    });
    const { report, contents } = await repairInMemory(tornFirst);
    expect(contentsText(contents)).toBe(whole);
    expect(report.damage).toMatchObject([{ file: journal }]);
    expect(report.journals.map(({ file }) => file)).toEqual([journal, '000800.log']);
  });

  test('that is missing is reported, and the store opens with what its tables hold', async () => {
    const { report, contents } = await repairInMemory(changed(files, { [journal]: undefined }));
    expect(report).toMatchObject({ levelsKept: true, journals: [], damage: [{ file: journal }] });
    expect(contentsText(contents)).toBe(contentsText(sample.states[0]!));
  });

  test('is all there is of a store without tables, CURRENT and manifest', async () => {
    const { report, contents } = await repairInMemory(new Map([[journal, bytesOf(journal)]]));
    expect(report).toMatchObject({ levelsKept: false, entries: 5 });
    expect([...contents.keys()]).toEqual(['key-02', 'key-03', 'key-05', 'key-30']);
  });
});

test('a repair that fails gives the lock back, and can be repeated', async () => {
  const memory = new MemoryStorage({ files });
  for (const operation of ['create', 'sync', 'rename', 'sync-directory', 'quarantine'] as const) {
    const rule = { operation, nth: 1, times: 1, effect: 'error', errno: 'EIO' } as const;
    const storage = new FaultStorage(memory, { rules: [rule] });
    await expect(repair('memory', {}, { storage })).rejects.toMatchObject({ code: ErrorCode.IoError });
  }
  await repair('memory', {}, { storage: memory });
  expect(contentsText(await contentsOf(memory))).toBe(whole);
});

test('what cannot be read for want of descriptors is not taken for lost', async () => {
  const storage = new MemoryStorage({ files });
  for (let nth = 1; nth <= 6; nth++) {
    const rule = { operation: 'open-read', nth, times: 1, effect: 'error', errno: 'EMFILE' } as const;
    const failing = new FaultStorage(storage, { rules: [rule] });
    await expect(repair('memory', {}, { storage: failing })).rejects.toMatchObject({
      code: ErrorCode.IoError,
    });
  }
  const { report, contents } = await repairInMemory(storage.snapshot());
  expect(report.damage).toEqual([]);
  expect(contentsText(contents)).toBe(whole);
});
