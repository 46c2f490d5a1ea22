import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { flushWorkerUrl } from '@arena-level/worker-flush/worker-url';
import { arenaBudget, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { openFilesIn } from '../support/descriptors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key, text } from '../support/text-bytes.ts';

const VALUE = bytes('v'.repeat(1000));

/** The real worker, but for its first flush, in which it does what `crash` says. */
function crashingWorker(directory: string, crash: string): string {
  const path = join(directory, 'worker.mjs');
  writeFileSync(
    path,
    `
    import { existsSync, openSync, writeFileSync } from 'node:fs';
    import handleTask from ${JSON.stringify(flushWorkerUrl.href)};
    const mark = ${JSON.stringify(join(directory, 'crashed'))};
    export default function (request) {
      if (request.task !== 'flush' || existsSync(mark)) return handleTask(request);
      writeFileSync(mark, '');
      ${crash}
    }
    `,
  );
  return pathToFileURL(path).href;
}

describe('a worker thread that dies in a flush', () => {
  test.each([
    { id: 'throws', crash: "throw new Error('thrown');" },
    { id: 'exits', crash: 'process.exit(3);' },
    { id: 'has written half a table', crash: 'handleTask(request); process.exit(1);' },
    { id: 'answers nonsense', crash: "return { kind: 'built', table: { size: -1 } };" },
  ])('loses nothing, and nothing is left behind: it $id', async ({ crash }) => {
    const budget = arenaBudget().usedBytes;
    const workers = temporaryDirectory();
    const location = temporaryDirectory();
    const clock = new ManualClock();
    const options = { writeBufferSize: 64 * 1024, workerUrl: crashingWorker(workers, crash) };
    const store = await open(location, options, { clock });
    const failures: number[] = [];
    store.on('flush-failed', ({ retryInMs }) => {
      failures.push(retryInMs);
      clock.advance(retryInMs);
    });
    for (let i = 0; i < 40; i++) await store.put(key(i), VALUE);
    await expect(store.flush()).rejects.toMatchObject({ code: 'ARENA_WORKER_FAILED' });
    for (let i = 0; i < 40; i++) expect(store.getSync(key(i))!.length).toBe(VALUE.length);
    await store.flush();
    expect(failures).toEqual([1000]);
    expect(store.stats()).toMatchObject({ flushes: { count: 1, failed: 1 }, memtables: { frozen: 0 } });
    expect((await store.verify()).differing).toEqual([]);
    await store.close();
    expect(openFilesIn(location)).toEqual([]);
    expect(arenaBudget().usedBytes).toBe(budget);
    const again = await open(location, { flush: 'inline' });
    for (let i = 0; i < 40; i++) expect(text(again.getSync(key(i)))).toBe(text(VALUE));
    await again.close();
  });
});
