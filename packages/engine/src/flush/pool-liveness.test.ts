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
  const [workerUrl, tasks, use = 'flush'] = process.argv.slice(2);
  const lease = leaseWorkerPool({ use, workerUrl, size: 1, clock: systemClock });
  for (let i = 0; i < Number(tasks); i++) {
    lease.run({ task: 'flush' }).then(
      (answer) => console.log('answered', answer),
      (error) => console.log('failed', error.code, error.message),
    );
  }
`;
/** Lets the thread that answered crash, and goes on until another one answers. */
const CRASH_PROGRAM = `
  import { systemClock } from '@arena-level/common/base/clock';
  import { leaseWorkerPool } from './worker-pool.ts';
  const lease = leaseWorkerPool({ use: 'flush', workerUrl: process.argv[2], size: 1, clock: systemClock });
  const words = new Int32Array(new SharedArrayBuffer(4));
  const run = () => lease.run({ task: 'flush', arena: words.buffer });
  const first = await run();
  Atomics.store(words, 0, 1);
  let next = first;
  while (next === first) next = await run().catch(() => first);
  console.log('another thread answered');
`;
const directory = temporaryDirectory();
const program = join(directory, 'program.mjs');
const crashProgram = join(directory, 'crash-program.mjs');

async function bundle(contents: string, outfile: string): Promise<void> {
  const here = fileURLToPath(new URL('.', import.meta.url));
  await build({
    stdin: { contents, resolveDir: here, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['source'],
    external: ['piscina'],
  });
}

beforeAll(async () => {
  await bundle(PROGRAM, program);
  await bundle(CRASH_PROGRAM, crashProgram);
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(directory, 'node_modules'));
});

/** Runs Node to its end; rejects unless it ends by itself with code 0. */
async function runNode(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout.trim();
}

function run(workerUrl: string, tasks: number, ...nodeOptions: string[]): Promise<string> {
  return runNode(...nodeOptions, program, workerUrl, String(tasks));
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

  test('does not live on for compactions, which nobody may be waiting for', async () => {
    const worker = writeWorker(`
      export default () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    `);
    expect(await runNode(program, worker, '2', 'compaction')).toBe('');
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
    // Only when its answer has come: before, the task would fail with the thread.
    const worker = writeWorker(`
      import { threadId } from 'node:worker_threads';
      export default ({ arena }) => {
        const words = new Int32Array(arena);
        if (Atomics.load(words, 0) === 0) {
          setInterval(() => { if (Atomics.load(words, 0) === 1) throw new Error('idle'); }, 1);
        }
        return threadId;
      };
    `);
    expect(await runNode(crashProgram, worker)).toBe('another thread answered');
  });
});
