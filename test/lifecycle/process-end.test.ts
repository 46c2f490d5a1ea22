import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'arena-level/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import { MISBEHAVING_WORKER, planMisbehaviour } from '../workers/misbehaviour.ts';

let program: string;
beforeAll(async () => {
  program = await bundleForNode(new URL('./leaving.program.ts', import.meta.url));
});

/** Runs the program to its own end. */
function run(
  location: string,
  what: string,
  ...more: string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, location, what, ...more], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      output += String(chunk);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

test('a process ends while its compaction hangs; the next open merges again, and nothing is left over', async () => {
  const location = join(temporaryDirectory(), 'store');
  planMisbehaviour(location, 'hangs', 'while', 1, 'compact');
  expect(await run(location, 'compacting', MISBEHAVING_WORKER.href)).toEqual({ code: 0, output: '' });
  const store = await open(location, { flush: 'inline' });
  await store.settled();
  const { levels } = store.stats();
  expect(levels[0]!.tables).toBe(0);
  for (let i = 0; i < 200; i++) expect(store.hasSync(bytes(`k${i}`)), `k${i}`).toBe(true);
  // Files that no version has are removed behind the commit, at the latest before the store is closed.
  await store.close();
  const names = readdirSync(location).filter((name) => /\.(ldb|dbtmp)$/.test(name));
  expect(names).toHaveLength(levels.reduce((sum, { tables }) => sum + tables, 0));
});

describe('a process that comes to its end with an open store', () => {
  test.each([
    { id: 'ends by itself when the store is idle', what: 'idle', output: '', keys: 1 },
    { id: 'ends by itself when its worker is idle', what: 'idle-after-flush', output: '', keys: 600 },
    { id: 'writes what was issued first', what: 'pending-writes', output: '', keys: 2000 },
    { id: 'syncs what was asked for first', what: 'pending-sync', output: 'durable', keys: 1 },
    { id: 'ends the flush first', what: 'pending-flush', output: 'flushed', keys: 100 },
    { id: 'does not wait for a compaction', what: 'compacting', output: '', keys: 200 },
    { id: 'waits for a compaction that somebody waits for', what: 'settling', output: 'settled', keys: 200 },
    { id: 'by process.exit loses nothing that was acknowledged', what: 'exit', output: '', keys: 1000 },
  ])('$id', async ({ what, output, keys }) => {
    const location = temporaryDirectory();
    expect(await run(location, what)).toEqual({ code: 0, output });
    const store = await open(location, { flush: 'inline' });
    for (let i = 0; i < keys; i++) expect(store.hasSync(bytes(`k${i}`)), `k${i}`).toBe(true);
    expect(store.hasSync(bytes(`k${keys}`))).toBe(false);
    await store.close();
  });

  test.each(['pending-writes', 'pending-close'])(
    'waits for the next attempt when its worker has died: %s',
    async (what) => {
      const location = join(temporaryDirectory(), 'store');
      planMisbehaviour(location, 'exits', 'before');
      const output = what === 'pending-close' ? 'closed' : '';
      expect(await run(location, what, MISBEHAVING_WORKER.href)).toEqual({ code: 0, output });
      const store = await open(location, { flush: 'inline' });
      const keys = what === 'pending-close' ? 1000 : 2000;
      for (let i = 0; i < keys; i++) expect(store.hasSync(bytes(`k${i}`)), `k${i}`).toBe(true);
      await store.close();
    },
  );
});
