import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { parseFileName } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { destroy, ErrorCode, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { crashStates } from '../crash/crash-states.ts';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { fileLike, SAMPLE_OPTIONS, sampleStore } from '../damage/sample-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { whileOthersHold } from './while-others-hold.ts';

const sample = await sampleStore('none');

/** The sample on disk, in a directory of its own. */
function sampleDirectory(): string {
  const directory = join(temporaryDirectory(), 'store');
  mkdirSync(directory);
  for (const [name, contents] of sample.files) writeFileSync(join(directory, name), contents);
  return directory;
}

describe('destroy', () => {
  test('removes every file of the store, and the directory', async () => {
    const directory = sampleDirectory();
    for (const name of ['LOG', 'LOG.old', 'LOCK', '000900.dbtmp', '000901.sst'])
      writeFileSync(join(directory, name), '');
    const report = await destroy(directory);
    expect(report).toMatchObject({ stayed: [], directoryRemoved: true });
    expect(report.removed).toEqual(expect.arrayContaining([...sample.files.keys(), 'LOG', '000900.dbtmp']));
    expect(existsSync(directory)).toBe(false);
  });

  test('leaves what is no part of a store alone, and says so', async () => {
    const directory = sampleDirectory();
    const [table] = fileLike(sample.files, /\.ldb$/);
    new NodeStorage(directory).quarantineNow(parseFileName(table!)!);
    writeFileSync(join(directory, 'notes.txt'), '');
    writeFileSync(join(directory, '12.log'), '');
    writeFileSync(join(directory, 'lost', 'mine.txt'), '');
    const report = await destroy(directory);
    expect(report.removed).toContain(`lost/${table}`);
    expect(report).toMatchObject({ stayed: ['12.log', 'lost', 'notes.txt'], directoryRemoved: false });
    expect(readdirSync(directory).sort()).toEqual(['12.log', 'lost', 'notes.txt']);
    expect(readdirSync(join(directory, 'lost'))).toEqual(['mine.txt']);
  });

  test('of a directory that does not exist is fine, of an empty one removes it', async () => {
    const directory = join(temporaryDirectory(), 'empty');
    const nothing = { removed: [], stayed: [], directoryRemoved: false };
    expect(await destroy(directory)).toEqual(nothing);
    mkdirSync(directory);
    expect(await destroy(directory)).toEqual({ ...nothing, directoryRemoved: true });
    expect(existsSync(directory)).toBe(false);
  });

  test('of a directory without a store changes nothing', async () => {
    const directory = temporaryDirectory();
    for (const name of ['LOG', 'notes.txt']) writeFileSync(join(directory, name), '');
    expect(await destroy(directory)).toMatchObject({ removed: [], stayed: ['LOG', 'notes.txt'] });
    expect(readdirSync(directory).sort()).toEqual(['LOG', 'notes.txt']);
  });

  test('of a file, or with an option that is wrong, is refused', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    await expect(destroy(file)).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
    await expect(destroy('')).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
    const wrong = { force: true } as object;
    await expect(destroy(dirname(file), wrong)).rejects.toMatchObject({ code: ErrorCode.InvalidOption });
    expect(existsSync(file)).toBe(true);
  });

  test('through a link empties the directory behind it', async () => {
    const directory = sampleDirectory();
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(directory, link);
    expect(await destroy(link)).toMatchObject({ stayed: [], directoryRemoved: false });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('of a store that is open, here, in another thread or process, or in LevelDB, is refused', async () => {
    const directory = sampleDirectory();
    const expectLocked = async (): Promise<void> => {
      const before = readdirSync(directory).sort();
      await expect(destroy(directory)).rejects.toMatchObject({ code: ErrorCode.Locked });
      expect(readdirSync(directory).sort()).toEqual(before);
    };
    await whileOthersHold(directory, expectLocked);
    expect(await destroy(directory)).toMatchObject({ directoryRemoved: true });
  });

  test('gives the lock back when it fails, and can be repeated', async () => {
    const memory = new MemoryStorage({ files: sample.files });
    const rule = { operation: 'remove', nth: 3, times: 1, effect: 'error', errno: 'EIO' } as const;
    const storage = new FaultStorage(memory, { rules: [rule] });
    await expect(destroy('memory', {}, { storage })).rejects.toMatchObject({ code: ErrorCode.IoError });
    await destroy('memory', {}, { storage });
    expect(memory.fileNames()).toEqual([]);
  });

  test('that a crash interrupts leaves a store that opens whole or not at all', async () => {
    const storage = new MemoryStorage({ files: sample.files });
    await destroy('memory', {}, { storage });
    const whole = contentsText(sample.states.at(-1)!);
    const outcomes = new Set<string>();
    for (const { files, position, loss } of crashStates(
      storage.trace,
      { draws: 6, oneIn: 1, mark: () => 0 },
      new Prng(1),
    )) {
      const found = await contentsOf(files);
      outcomes.add(found);
      expect([whole, '', 'refused'], `after ${position}, ${loss}`).toContain(found);
      const again = new MemoryStorage({ files });
      await destroy('memory', {}, { storage: again });
      expect(again.fileNames()).toEqual([]);
    }
    expect(outcomes.size).toBe(3);
  });
});

async function contentsOf(files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const storage = new MemoryStorage({ files });
  try {
    const store = await open('memory', SAMPLE_OPTIONS, { storage, clock: new ManualClock() });
    const contents = contentsText(readContents(store));
    await store.close();
    return contents;
  } catch (error) {
    expect(error).toMatchObject({ code: ErrorCode.Corruption, file: 'CURRENT' });
    return 'refused';
  }
}
