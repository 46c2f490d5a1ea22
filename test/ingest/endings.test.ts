/** An ingest that is ended from outside: aborted, with its store closed, by threads that die. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { ErrorCode, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { reopen } from '../support/held-store.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import {
  contentsOf,
  expected,
  filesOf,
  lines,
  openForIngest,
  PAIRS,
  SMALL,
  source,
  TINY,
} from './ingest-store.ts';

const ODD = new URL('./parsers/odd.mjs', import.meta.url);
const given = lines(300, 200);

/** Calls `act` before the n-th task. */
function atTask(n: number, act: () => void) {
  let tasks = 0;
  return (): void => {
    if (++tasks === n) act();
  };
}

describe('aborted', () => {
  test('before it begins, nothing is read', async () => {
    const { store } = await openForIngest();
    let reads = 0;
    function* never(): Generator<string> {
      reads++;
      yield '';
    }
    const ended = store.ingest(never(), { ...SMALL, signal: AbortSignal.abort() });
    await expect(ended).rejects.toMatchObject({ code: ErrorCode.Aborted });
    expect(reads).toBe(0);
    await store.close();
  });

  test('at any task, by the way of tables: nothing is stored and no file is left', async () => {
    for (let n = 1, isDone = false; !isDone; n++) {
      const controller = new AbortController();
      const { store, memory } = await openForIngest(
        TINY,
        atTask(n, () => controller.abort()),
      );
      const outcome = await store.ingest(source(given), { ...SMALL, signal: controller.signal }).then(
        () => 'done',
        (error: { code: string; message: string }) => error,
      );
      isDone = outcome === 'done';
      if (!isDone) {
        expect(outcome, `task ${n}`).toMatchObject({
          code: ErrorCode.Aborted,
          message: 'the ingest was aborted; nothing is stored',
        });
        expect(n).toBeLessThan(100);
      }
      expect(contentsOf(store)).toEqual(isDone ? expected(given) : new Map());
      expect(filesOf(memory, '.dbtmp')).toEqual([]);
      await store.close();
    }
  });

  test('while the source gives nothing', async () => {
    const { store } = await openForIngest();
    const stream = new PassThrough();
    const controller = new AbortController();
    stream.write('a=1\n');
    const ended = store.ingest(stream, { ...SMALL, signal: controller.signal });
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(ended).rejects.toMatchObject({ code: ErrorCode.Aborted });
    if (!stream.closed) await once(stream, 'close');
    await store.close();
  });

  test('while tables are put in that then cannot be: no batches are written instead', async () => {
    const { store, memory } = await openForIngest();
    await store.put(bytes('a'), bytes('first'));
    const controller = new AbortController();
    const sync = memory.syncDirectory.bind(memory);
    let isLate = false;
    memory.syncDirectory = async () => {
      // The flush before the commit, which a key of the range comes behind.
      if (!isLate && filesOf(memory, '.ldb').length > 0) {
        isLate = true;
        void store.put(bytes('m000005'), bytes('between'));
        controller.abort();
      }
      await sync();
    };
    const ended = store.ingest(source(given), { ...SMALL, signal: controller.signal });
    await expect(ended).rejects.toMatchObject({
      code: ErrorCode.Aborted,
      message: 'the ingest was aborted; nothing is stored',
    });
    expect(isLate).toBe(true);
    expect([...contentsOf(store).keys()]).toEqual(['a', 'm000005']);
    expect(filesOf(memory, '.dbtmp')).toEqual([]);
    await store.close();
  });

  test('by the way of batches, what was written stays, and the error says how much', async () => {
    const controller = new AbortController();
    const { store } = await openForIngest(
      TINY,
      atTask(8, () => controller.abort()),
    );
    const options = { ...SMALL, tables: false, signal: controller.signal };
    const message = await store.ingest(source(lines(300)), options).then(
      () => 'no error',
      (error: Error) => error.message,
    );
    const { size } = contentsOf(store);
    expect(size).toBeGreaterThan(0);
    expect(message).toBe(`the ingest was aborted; ${size} entries are stored`);
    expect(contentsOf(store)).toEqual(expected(lines(300).slice(0, size)));
    await store.close();
  });
});

test('the store closed at any task: done, or nothing of it is there, now and after the next open', async () => {
  const outcomes = new Set<string>();
  for (let n = 1; n < 60 && !outcomes.has('done'); n++) {
    let closing: Promise<void> | undefined;
    const opened = await openForIngest(
      TINY,
      atTask(n, () => {
        closing = opened.store.close();
      }),
    );
    const { store, memory } = opened;
    const outcome = await store.ingest(source(given), SMALL).then(
      () => 'done',
      ({ code }: { code: string }) => code,
    );
    outcomes.add(outcome);
    expect(['done', ErrorCode.DatabaseNotOpen]).toContain(outcome);
    await (closing ?? store.close());
    expect(filesOf(memory, '.dbtmp')).toEqual([]);
    const again = await reopen(memory, TINY);
    expect(contentsOf(again), `task ${n}`).toEqual(outcome === 'done' ? expected(given) : new Map());
    await again.close();
  }
  expect(outcomes).toEqual(new Set(['done', ErrorCode.DatabaseNotOpen]));
});

test('the store closed while the tables are put in: they are', async () => {
  const { store, memory } = await openForIngest();
  const sync = memory.syncDirectory.bind(memory);
  let closing: Promise<void> | undefined;
  memory.syncDirectory = async () => {
    if (filesOf(memory, '.ldb').length > 0) closing ??= store.close();
    await sync();
  };
  expect((await store.ingest(source(given), SMALL)).path).toBe('tables');
  await closing;
  const again = await reopen(memory, TINY);
  expect(contentsOf(again)).toEqual(expected(given));
  await again.close();
});

test.each([true, false])(
  'no more is read than threads can take while they are held up (tables: %s)',
  async (tables) => {
    let letGo: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const { store } = await openForIngest(TINY, () => held);
    let read = 0;
    function* counted(): Generator<string> {
      for (const line of source(given)) {
        read += line.length;
        yield line;
      }
    }
    const ingested = store.ingest(counted(), { ...SMALL, tables });
    await settle();
    // A piece for each thread and two more, and what has been read of the next one.
    expect(read).toBeLessThan((2 + 2 + 2) * SMALL.pieceBytes!);
    letGo();
    await ingested;
    expect(contentsOf(store)).toEqual(expected(given));
    await store.close();
  },
);

describe('in real threads', () => {
  test('of a store that flushes inline, too, and the process is left alone afterwards', async () => {
    for (const flush of ['worker', 'inline'] as const) {
      const directory = temporaryDirectory();
      const store = await open(directory, { flush, writeBufferSize: 64 * 1024 });
      const all = lines(4000, 3000);
      const report = await store.ingest(source(all), { parse: PAIRS, threads: 2, pieceBytes: 10_000 });
      expect(report).toMatchObject({ path: 'tables', entries: 4000 });
      const batches = await store.ingest(source(all), { parse: PAIRS, threads: 2, pieceBytes: 10_000 });
      expect(batches.path).toBe('batches');
      expect(contentsOf(store)).toEqual(expected(all));
      await store.close();
      const again = await open(directory, { flush });
      expect(contentsOf(again)).toEqual(expected(all));
      expect((await again.verify()).differing).toEqual([]);
      await again.close();
    }
  });

  test.each([true, false])('one that dies is tried again, and then told (tables: %s)', async (tables) => {
    const store = await open(temporaryDirectory(), {});
    const options = { parse: ODD, parseOptions: { ask: 'exit' }, threads: 1, pieceBytes: 2, tables };
    await expect(store.ingest(['a\n', 'b\n', 'c\n'], options)).rejects.toMatchObject({
      code: ErrorCode.WorkerFailed,
      message: expect.stringMatching(/exited with code: 7.*; nothing is stored$/) as string,
    });
    expect(contentsOf(store).size).toBe(0);
    expect((await store.ingest(source(given), SMALL)).entries).toBe(300);
    await store.close();
  });

  test('one that dies once is not noticed', async () => {
    let died = 0;
    const { store } = await openForIngest(TINY, ({ task }) => {
      if (task === 'build-run' && ++died === 3) throw new Error('the thread was terminated');
    });
    expect((await store.ingest(source(given), SMALL)).path).toBe('tables');
    expect(contentsOf(store)).toEqual(expected(given));
    await store.close();
  });
});
