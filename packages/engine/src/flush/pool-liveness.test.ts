import { execFile } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from '@arena-level/worker-flush/temporary-directory.test-support';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeWorker } from './piscina-pool.test-support.ts';

/** What becomes of a whole process: each test runs one that has nothing else to live for than its pool. */
const PROGRAM = `
  import { systemClock } from '@arena-level/common/base/clock';
  import { leaseWorkerPool } from './worker-pool.ts';
  const [workerUrl, tasks] = process.argv.slice(2);
  const lease = leaseWorkerPool({ workerUrl, size: 1, clock: systemClock });
  for (let i = 0; i < Number(tasks); i++) {
    lease.run({ task: 'flush' }).then(
      (answer) => console.log('answered', answer),
      (error) => console.log('failed', error.code, error.message),
    );
  }
`;
const directory = temporaryDirectory();
const program = join(directory, 'program.mjs');

beforeAll(async () => {
  const here = fileURLToPath(new URL('.', import.meta.url));
  await build({
    stdin: { contents: PROGRAM, resolveDir: here, loader: 'ts' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['source'],
    external: ['piscina'],
  });
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(directory, 'node_modules'));
});

/** Runs the program to its end; rejects unless it ends by itself with code 0. */
async function run(workerUrl: string, tasks: number, ...nodeOptions: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...nodeOptions,
    program,
    workerUrl,
    String(tasks),
  ]);
  return stdout.trim();
}

describe('a process', () => {
  test('is not kept alive by a pool that is idle, nor by one that was never used', async () => {
    const worker = writeWorker('export default () => 42;');
    expect(await run(worker, 1)).toBe('answered 42');
    expect(await run(worker, 0)).toBe('');
  });

  test('lives until running and waiting tasks are answered', async () => {
    const worker = writeWorker(`
      export default () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    `);
    expect(await run(worker, 2)).toBe('answered timed-out\nanswered timed-out');
  });

  test('hears of a worker that cannot start before it ends', async () => {
    const output = await run('file:///nowhere/flush.worker.mjs', 2);
    expect(output.match(/^failed ARENA_WORKER_FAILED .*Cannot find module/gm)).toHaveLength(2);
  });

  test('that may not start threads hears that, with a hint at flushing inline', async () => {
    const flag = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const output = await run('file:///nowhere/x.mjs', 2, flag, '--allow-fs-read=*', '--no-warnings');
    expect(output.match(/^failed ARENA_WORKER_FAILED .*restricted.*flush: 'inline'/gm)).toHaveLength(2);
  });

  test('survives the crash of a thread that has no task', async () => {
    const worker = writeWorker(
      'export default () => { setTimeout(() => { throw new Error("idle") }, 1); return 1; };',
    );
    expect(await run(worker, 1)).toBe('answered 1');
  });
});
