import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ErrorCode } from '@arena-level/common/base/errors';
import { open } from 'arena-level/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { openFilesIn } from '../support/descriptors.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';

/** Everything below a directory: names, contents and times. */
function picture(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mtimeMs, size } = statSync(path);
      return `${path} ${size} ${mtimeMs} ${entry.isFile() ? readFileSync(path, 'base64') : ''}`;
    })
    .sort();
}

/** A refused open leaves everything below `directory` as it was. */
async function expectRefused(
  directory: string,
  location: unknown,
  options: Parameters<typeof open>[1],
  code: string,
  words: string,
): Promise<void> {
  const before = picture(directory);
  await expect(open(location as string, options)).rejects.toMatchObject({
    name: 'EngineError',
    code,
    message: expect.stringContaining(words),
  });
  expect(picture(directory)).toEqual(before);
  expect(openFilesIn(directory)).toEqual([]);
}

describe('a location', () => {
  test.each([
    ['empty', ''],
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['a URL', new URL('file:///x')],
  ])('that is %s is refused', async (_what, location) => {
    await expect(open(location as string)).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
  });

  test('that is a file is refused', async () => {
    const directory = temporaryDirectory();
    const location = join(directory, 'file');
    writeFileSync(location, 'not a store');
    await expectRefused(directory, location, {}, ErrorCode.InvalidArgument, location);
  });

  test('that leads through a file is refused', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'file'), 'not a directory');
    await expectRefused(directory, join(directory, 'file', 'store'), {}, ErrorCode.InvalidArgument, 'a file');
  });

  test('that does not exist is refused without createIfMissing, and made with it, parents and all', async () => {
    const directory = temporaryDirectory();
    const location = join(directory, 'not', 'there');
    await expectRefused(directory, location, { createIfMissing: false }, ErrorCode.StoreMissing, location);
    const store = await open(location);
    expect(store.recovery.created).toBe(true);
    await store.close();
  });

  test('without a store in it is refused without createIfMissing', async () => {
    const directory = temporaryDirectory();
    const location = join(directory, 'empty');
    mkdirSync(location);
    await expectRefused(directory, location, { createIfMissing: false }, ErrorCode.StoreMissing, location);
  });

  test('with a store in it is refused with errorIfExists', async () => {
    const directory = temporaryDirectory();
    const location = join(directory, 'store');
    const store = await open(location);
    await store.put(bytes('k'), bytes('v'));
    await store.close();
    await expectRefused(directory, location, { errorIfExists: true }, ErrorCode.StoreExists, location);
    const again = await open(location, { createIfMissing: false });
    expect(again.hasSync(bytes('k'))).toBe(true);
    await again.close();
  });

  test('with tables or journals, and no CURRENT, is refused, not started afresh', async () => {
    for (const name of ['000005.ldb', '000005.sst', '000007.log']) {
      const directory = temporaryDirectory();
      writeFileSync(join(directory, name), 'something');
      await expectRefused(directory, directory, {}, ErrorCode.Corruption, 'CURRENT');
    }
  });

  test('with files that are none of ours is taken, and they are left alone', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    mkdirSync(join(directory, 'folder'));
    const store = await open(directory);
    await store.close();
    expect(readFileSync(join(directory, 'notes.txt'), 'utf8')).toBe('mine');
    expect(readdirSync(directory)).toContain('folder');
  });
});

describe.runIf(process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0)(
  'without permission (tested where root can become somebody else)',
  () => {
    let program: string;
    beforeAll(async () => {
      program = await bundleForNode(new URL('./opening.program.ts', import.meta.url));
    });

    /** Opens as nobody and returns what came of it. */
    function openAsNobody(location: string): unknown {
      const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
      const { stdout, stderr } = spawnSync('setpriv', [...user, process.execPath, program, location], {
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      return JSON.parse(stdout);
    }

    test.each([
      { id: 'to make the directory', mode: 0o555, inside: 'store' },
      { id: 'to enter the directory', mode: 0o000, inside: '.' },
      { id: 'to write in the directory', mode: 0o555, inside: '.' },
    ])('$id: an error with the path and the cause, and nothing is made', ({ mode, inside }) => {
      const directory = temporaryDirectory();
      chmodSync(dirname(directory), statSync(dirname(directory)).mode | 0o011);
      chmodSync(directory, mode);
      expect(openAsNobody(join(directory, inside))).toMatchObject({
        code: ErrorCode.IoError,
        errno: 'EACCES',
        message: expect.stringContaining(directory),
      });
      expect(readdirSync(directory)).toEqual([]);
    });
  },
);
