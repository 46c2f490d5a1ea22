/** Threads that write through their handles, and read what all have written. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ErrorCode, open, type Store } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { nextTurn } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key, text } from '../support/text-bytes.ts';
import { ReaderThread } from './reader-thread.ts';
import { openStore, whenever } from './sharing-store.ts';
import type { WriterReport, WriterTask } from './writer.program.ts';

const program = bundleForNode(new URL('./writer.program.ts', import.meta.url));

interface Writer {
  readonly report: Promise<WriterReport>;
  readonly exited: Promise<number>;
  readonly worker: Worker;
}

async function startWriter(
  store: Store,
  task: Omit<WriterTask, 'handle'>,
  ringSize?: number,
): Promise<Writer> {
  const handle = store.share(ringSize === undefined ? {} : { ringSize });
  const worker = new Worker(await program, { workerData: { ...task, handle }, transferList: [handle.port] });
  const exited = new Promise<number>((resolve) => worker.once('exit', resolve));
  const report = new Promise<WriterReport>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    void exited.then(() => reject(new Error('the thread ended without a report')));
  });
  report.catch(() => {});
  return { report, exited, worker };
}

function words(count: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
}

describe('threads that write', () => {
  test('see what was acknowledged to any of them, each batch whole, while arenas are flushed', async () => {
    const store = await openStore();
    const acknowledged = words(3);
    const writers = await Promise.all(
      [0, 1, 2].map((id) =>
        startWriter(store, {
          id,
          writes: 400,
          calls: id === 1 ? 'async' : 'blocking',
          acknowledged: acknowledged.buffer,
        }),
      ),
    );
    const problems: string[] = [];
    let running = 3;
    for (const { report } of writers) report.finally(() => running--).catch(() => {});
    while (running > 0) {
      for (let id = 0; id < 3; id++) {
        const least = Atomics.load(acknowledged, id);
        const found = Number(text(store.getSync(bytes(`z:${id}`))) ?? 0);
        if (found < least) problems.push(`the owner read ${found} after ${least} of thread ${id}`);
      }
      await nextTurn();
    }
    for (const { report } of writers) expect(await report).toEqual({ problems: [] });
    expect(problems).toEqual([]);
    expect(store.stats().writes.entries).toBe(2400);
    expect(store.stats().flushes.count).toBeGreaterThan(3);
    await Promise.all(writers.map(({ exited }) => exited));
  });

  test('are told when the store is closed, and what was acknowledged is there', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, { writeBufferSize: 4096 });
    const acknowledged = words(2);
    const writers = await Promise.all(
      (['blocking', 'async'] as const).map((calls, id) =>
        startWriter(store, { id, writes: 1_000_000, calls, acknowledged: acknowledged.buffer }, 4096),
      ),
    );
    await whenever(() => Atomics.load(acknowledged, 0) > 20 && Atomics.load(acknowledged, 1) > 20);
    await store.close();
    for (const { report, exited } of writers) {
      expect(await report).toEqual({ problems: [], code: ErrorCode.DatabaseNotOpen });
      await exited;
    }
    const reopened = await open(directory);
    for (let id = 0; id < 2; id++) {
      const found = ['a', 'z'].map((part) => Number(text(reopened.getSync(bytes(`${part}:${id}`)))));
      expect(found[0]).toBe(found[1]);
      expect(found[0]).toBeGreaterThanOrEqual(Atomics.load(acknowledged, id));
    }
    await reopened.close();
  });

  test('may end in the middle of it, and the others go on', async () => {
    const store = await openStore();
    const acknowledged = words(2);
    const task = { writes: 1_000_000, calls: 'blocking', acknowledged: acknowledged.buffer } as const;
    const ending = await startWriter(store, { ...task, id: 0 });
    const other = await startWriter(store, { ...task, id: 1 });
    await whenever(() => Atomics.load(acknowledged, 0) > 20);
    await ending.worker.terminate();
    const last = Atomics.load(acknowledged, 0);
    expect(Number(text(store.getSync(bytes('a:0'))))).toBeGreaterThanOrEqual(last);
    const before = Atomics.load(acknowledged, 1);
    await whenever(() => Atomics.load(acknowledged, 1) > before + 20);
    await other.worker.terminate();
    await whenever(() => store.stats().threads.handles === 0);
  });
});

test.each(['by process.exit', 'by a signal'])(
  'what was acknowledged is there when the process ends %s',
  async (how) => {
    const directory = temporaryDirectory();
    const leaving = await bundleForNode(new URL('leaving-writers.program.ts', import.meta.url));
    const child = fork(leaving, [directory, how, await program], { stdio: 'pipe' });
    let output = '';
    child.stdout!.on('data', (chunk) => {
      output += chunk;
    });
    await once(child, 'exit');
    const acknowledged = output.trim().split(' ').map(Number);
    expect(Math.min(...acknowledged)).toBeGreaterThan(20);
    const store = await open(directory);
    acknowledged.forEach((least, id) => {
      const [first, second] = ['a', 'z'].map((part) => Number(text(store.getSync(bytes(`${part}:${id}`)))));
      expect(first).toBe(second);
      expect(first).toBeGreaterThanOrEqual(least);
    });
    await store.close();
  },
);

describe('a thread', () => {
  test('that is closed writes no more', async () => {
    const store = await openStore();
    const thread = await ReaderThread.start(store);
    await thread.call('putSync', 'k', 'v');
    expect(text(store.getSync(bytes('k')))).toBe('v');
    await thread.call('close');
    await expect(thread.call('putSync', 'k', 'w')).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    await expect(thread.call('put', 'k', 'w')).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
    expect(text(store.getSync(bytes('k')))).toBe('v');
  });

  test('that is closed waits for what it has written', async () => {
    const store = await openStore();
    const thread = await ReaderThread.start(store);
    // So much that it takes the owner many turns.
    expect(await thread.call('putAndClose', 200, 'v'.repeat(50_000))).toBe(200);
    expect(store.getSync(bytes('key 199'))).toHaveLength(50_000);
    await whenever(() => store.stats().threads.handles === 0);
  });

  test('writes what is larger than its ring, and deletes', async () => {
    const store = await openStore();
    const thread = await ReaderThread.start(store, { ringSize: 4097 });
    const large = 'x'.repeat(100_000);
    await thread.call('put', 'large', large);
    expect(text(store.getSync(bytes('large')))).toBe(large);
    expect(await thread.call('getSync', 'large')).toBe(large);
    await thread.call('delSync', 'large');
    expect(store.getSync(bytes('large'))).toBeUndefined();
    await thread.call('put', 'again', '1');
    await thread.call('del', 'again');
    expect(store.getSync(bytes('again'))).toBeUndefined();
  });

  test.each([4095, 2 ** 26 + 1, 5000.5, '8192'])('has no ring of size %s', async (ringSize) => {
    const store = await openStore();
    expect(() => store.share({ ringSize } as never)).toThrow(
      expect.objectContaining({ code: ErrorCode.InvalidArgument }),
    );
    await store.put(key(1), bytes('v'));
  });
});
