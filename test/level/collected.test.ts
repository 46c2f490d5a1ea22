import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test(
  'iterators and snapshots that are dropped without being closed let go of what they hold, as do databases that were closed; those in use do not',
  async () => {
    const program = await bundleForNode(new URL('collected.program.ts', import.meta.url));
    const run = promisify(execFile);
    const arguments_ = ['--expose-gc', program, temporaryDirectory()];
    const { stdout, stderr } = await run(process.execPath, arguments_).catch(
      (error: { readonly stdout: string; readonly stderr: string }) => error,
    );
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual(['open: 6 3', 'kept: 100 v', 'walked: 101', 'closed', 'gone', '']);
  },
  LONG_TEST_MS,
);
