/** The thread that has the store open is a worker; the main thread and another worker are attached to it. */
import { once } from 'node:events';
import { isMainThread, Worker } from 'node:worker_threads';
import { type AttachedStore, attach, ErrorCode, open, type ThreadHandle } from 'arena-level/engine';
import { expect, onTestFinished, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, text } from '../support/text-bytes.ts';
import { ReaderThread } from './reader-thread.ts';
import type { OwnerCall } from './worker-owner.program.ts';

class Owner {
  readonly worker: Worker;

  private constructor(worker: Worker) {
    this.worker = worker;
  }

  static async start(directory: string): Promise<Owner> {
    const program = await bundleForNode(new URL('worker-owner.program.ts', import.meta.url));
    const worker = new Worker(program, { workerData: directory });
    onTestFinished(async () => void (await worker.terminate()));
    await once(worker, 'message');
    return new Owner(worker);
  }

  async call(call: OwnerCall): Promise<unknown> {
    this.worker.postMessage(call);
    const [result] = await once(this.worker, 'message');
    return result;
  }

  async attachHere(): Promise<AttachedStore> {
    const store = attach((await this.call('share')) as ThreadHandle);
    onTestFinished(() => store.close());
    return store;
  }
}

const show = (value: Uint8Array | undefined): string | undefined => value && text(value);

test('all of them read what any of them has written, through rotations and compactions', async () => {
  expect(isMainThread).toBe(true);
  const directory = temporaryDirectory();
  const owner = await Owner.start(directory);
  const here = await owner.attachHere();
  const there = await ReaderThread.start((await owner.call('share')) as ThreadHandle);
  for (let round = 1; round <= 10; round++) {
    expect(await owner.call('overwrite')).toBe(round);
    expect(show(here.getSync(bytes('key 7')))).toBe(`round ${round}`);
    expect(await there.call('getSync', 'key 7')).toBe(`round ${round}`);
    await here.put(bytes('from here'), bytes(`${round}`));
    expect(await there.call('getSync', 'from here')).toBe(`${round}`);
    here.putSync(bytes('from here, blocking'), bytes(`${round}`), { sync: true });
    await there.call('putSync', 'from there', `${round}`);
    expect(show(here.getSync(bytes('from there')))).toBe(`${round}`);
  }
  await here.control.compactRange();
  const keys: string[] = [];
  for await (const [key] of here.iterator({ gte: bytes('from') })) keys.push(text(key));
  expect(keys.slice(0, 3)).toEqual(['from here', 'from here, blocking', 'from there']);
  expect(keys).toHaveLength(23);
  await there.call('close');
  await owner.call('close');
  const again = await open(directory);
  expect(text(again.getSync(bytes('from here, blocking'))!)).toBe('10');
  await again.close();
});

test('the owner tells of the main thread by its threadId, which is 0, like of any other', async () => {
  const owner = await Owner.start(temporaryDirectory());
  const here = await owner.attachHere();
  await here.put(bytes('key'), bytes('value'));
  await here.close();
  // Behind the end of the port, whose message comes in the owner's own time.
  let stats = (await owner.call('stats')) as { attached: number; handles: number; heard: unknown };
  while (stats.handles > 0) stats = (await owner.call('stats')) as typeof stats;
  expect(stats.heard).toEqual([
    ['thread-attached', 0, 'thread 0'],
    ['thread-left', 0, 'thread 0'],
  ]);
});

test('when the thread of the owner ends, the others hear it', async () => {
  const owner = await Owner.start(temporaryDirectory());
  const here = await owner.attachHere();
  const there = await ReaderThread.start((await owner.call('share')) as ThreadHandle);
  await owner.call('overwrite');
  expect(await there.call('getSync', 'key 1')).toBe('round 1');
  await owner.worker.terminate();
  await here.closed;
  await expect(here.get(bytes('key 1'))).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  await expect(here.put(bytes('key 1'), bytes('x'))).rejects.toMatchObject({
    code: ErrorCode.DatabaseNotOpen,
  });
  await expect(there.call('put', 'key 1', 'x')).rejects.toMatchObject({ code: expect.any(String) });
});

test('it closes under the others, which hear it', async () => {
  const owner = await Owner.start(temporaryDirectory());
  const here = await owner.attachHere();
  const there = await ReaderThread.start((await owner.call('share')) as ThreadHandle);
  await owner.call('overwrite');
  expect(await there.call('getSync', 'key 1')).toBe('round 1');
  await owner.call('close');
  await here.closed;
  for (const outcome of [here.get(bytes('key 1')), there.call('get', 'key 1')]) {
    await expect(outcome).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  }
});
