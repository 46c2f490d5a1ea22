import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { withLock } from './build-lock.ts';

test('the build lock lets one in at a time, and is left free also by who fails', async () => {
  const path = join(temporaryDirectory(), 'lock');
  let inside = 0;
  const enter = async (fails: boolean): Promise<void> => {
    expect(++inside).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside--;
    if (fails) throw new Error('the build failed');
  };
  const outcomes = await Promise.allSettled([0, 1, 2, 3].map((n) => withLock(path, () => enter(n === 1))));
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(existsSync(path)).toBe(false);
});

test('the build lock of a process that is gone is taken over', async () => {
  const path = join(temporaryDirectory(), 'lock');
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(path, String(pid));
  expect(await withLock(path, async () => 'done')).toBe('done');
});
