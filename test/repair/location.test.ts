import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ErrorCode, open, repair } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { SAMPLE_OPTIONS, sampleStore } from '../damage/sample-store.ts';
import { openFilesIn } from '../support/descriptors.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import { whileOthersHold } from './while-others-hold.ts';

const sample = await sampleStore('none');

/** The sample on disk. */
function sampleDirectory(): string {
  const directory = temporaryDirectory();
  for (const [name, contents] of sample.files) writeFileSync(join(directory, name), contents);
  return directory;
}

function picture(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      // Whoever closes LOCK takes LevelDB's lock off it, when that is in this process; LOG is still written by who holds the store.
      const counts = entry.isFile() && entry.name !== 'LOCK' && entry.name !== 'LOG';
      return `${path} ${counts ? readFileSync(path, 'base64') : ''}`;
    })
    .sort();
}

async function expectRefused(directory: string, location: string, code: string): Promise<void> {
  const before = picture(directory);
  await expect(repair(location)).rejects.toMatchObject({ name: 'EngineError', code });
  expect(picture(directory)).toEqual(before);
}

describe('a repair', () => {
  test('of what is no store is refused, and changes nothing', async () => {
    const directory = temporaryDirectory();
    await expectRefused(directory, directory, ErrorCode.StoreMissing);
    await expectRefused(directory, join(directory, 'missing'), ErrorCode.StoreMissing);
    for (const name of ['notes.txt', 'LOG', '12.log', '000001.dbtmp'])
      writeFileSync(join(directory, name), 'text');
    mkdirSync(join(directory, 'folder'));
    await expectRefused(directory, directory, ErrorCode.StoreMissing);
    await expectRefused(directory, join(directory, 'notes.txt'), ErrorCode.InvalidArgument);
    await expectRefused(directory, join(directory, 'notes.txt', 'store'), ErrorCode.InvalidArgument);
    await expectRefused(directory, '', ErrorCode.InvalidArgument);
    await expect(repair(directory, { wrong: 1 } as object)).rejects.toMatchObject({
      code: ErrorCode.InvalidOption,
    });
  });

  test('of a store that is open, here, in another thread or process, or in LevelDB, is refused', async () => {
    const directory = sampleDirectory();
    const expectLocked = (): Promise<void> => expectRefused(directory, directory, ErrorCode.Locked);
    await whileOthersHold(directory, expectLocked);
    expect(await repair(directory)).toMatchObject({ levelsKept: true });
  });

  test('lets go of everything, and leaves the names of others alone', async () => {
    const directory = sampleDirectory();
    writeFileSync(join(directory, 'notes.txt'), 'text');
    writeFileSync(join(directory, 'CURRENT'), 'garbage');
    await repair(directory, SAMPLE_OPTIONS);
    expect(openFilesIn(directory)).toEqual([]);
    expect(readdirSync(directory)).toContain('notes.txt');
    expect(readdirSync(directory)).not.toContain('arena.holder');
    const store = await open(directory, SAMPLE_OPTIONS);
    expect(store.recovery).toMatchObject({ damage: [], lost: [], entries: 0 });
    expect(store.getSync(bytes('key-30'))).toBeDefined();
    await store.close();
  });
});
