/**
 * The suite that abstract-level publishes for its implementations, whole: nothing is excluded, and what it leaves out by
 * itself it leaves out for features that are not declared. It runs on databases and, a second time, on sublevels.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { type MessagePort, Worker } from 'node:worker_threads';
import { ArenaLevel, type OpenOptions } from 'arena-level';
import { open, type Store } from 'arena-level/engine';
import { expect, onTestFinished, test } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { runSuite, type SuiteOutcome } from './run-suite.ts';

/** What classic-level 3.0.0 passes. */
const ASSERTIONS_OF_CLASSIC_LEVEL = 5168;

/** Left out in a thread: it does not create stores, so that `createIfMissing` and `errorIfExists` are not declared. */
const ASSERTIONS_ABOUT_CREATION = 6;

/** Of what the suite leaves open, one is locked on purpose, and a sublevel of another. */
const NOT_CLOSED = ['LEVEL_STATUS_LOCKED', 'LEVEL_STATUS_LOCKED'];

/** The suite leaves half of its thousand databases open: with arenas of the default size there is no memory for them. */
class SmallArenas extends ArenaLevel {
  override _open(options: OpenOptions): Promise<void> {
    return super._open({ writeBufferSize: 1 << 20, ...options });
  }
}

test(
  'a database passes the whole suite of abstract-level',
  async () => {
    const directory = temporaryDirectory();
    let databases = 0;
    const outcome = await runSuite(
      (options) => new SmallArenas(join(directory, String(databases++)), options),
    );
    expect(outcome).toMatchObject({ failed: [], notClosed: NOT_CLOSED });
    expect(outcome.assertions).toBeGreaterThanOrEqual(ASSERTIONS_OF_CLASSIC_LEVEL);
  },
  LONG_TEST_MS,
);

test(
  'so does a database in a thread that is attached, but for what creates stores',
  async () => {
    const directory = temporaryDirectory();
    const stores = new Map<string, Store>();
    onTestFinished(async () => {
      for (const store of stores.values()) await store.close();
    });
    const { port1, port2 } = new MessageChannel();
    const answers = new Int32Array(new SharedArrayBuffer(4));
    const program = await bundleForNode(new URL('abstract-suite.program.ts', import.meta.url));
    const worker = new Worker(program, {
      workerData: { directory, port: port2, answers: answers.buffer },
      transferList: [port2],
    });
    onTestFinished(() => void worker.terminate());
    serveHandles(port1 as unknown as MessagePort, answers, stores);
    const [outcome] = (await once(worker, 'message')) as [SuiteOutcome];
    expect(outcome).toMatchObject({ failed: [], notClosed: NOT_CLOSED });
    expect(outcome.assertions).toBeGreaterThanOrEqual(
      ASSERTIONS_OF_CLASSIC_LEVEL - ASSERTIONS_ABOUT_CREATION,
    );
  },
  LONG_TEST_MS,
);

/** The one owner of all stores: answers the path of a directory by a handle of the store in it, which is made if need be. */
function serveHandles(port: MessagePort, answers: Int32Array, stores: Map<string, Store>): void {
  port.on('message', async (location: string) => {
    const options = { writeBufferSize: 1 << 16, flush: 'inline' } as const;
    const store = stores.get(location) ?? (await open(location, options));
    stores.set(location, store);
    const handle = store.share({ ringSize: 1 << 14 });
    port.postMessage(handle, [handle.port]);
    Atomics.add(answers, 0, 1);
    Atomics.notify(answers, 0);
  });
}
