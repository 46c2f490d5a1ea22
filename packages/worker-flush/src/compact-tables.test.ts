import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { systemClock } from '@arena-level/common/base/clock';
import { ErrorCode } from '@arena-level/common/base/errors';
import { CompactionGuest, CompactionHandle } from '@arena-level/common/protocol/compaction-control';
import type {
  CompactionJob,
  CompactResponse,
  InputTable,
} from '@arena-level/common/protocol/compaction-protocol';
import { FLUSH_PROTOCOL_VERSION } from '@arena-level/common/protocol/flush-protocol';
import type { StorageOperation } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { FileType, tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import type { Entry } from '@arena-level/common/table/table.test-support';
import { describe, expect, test } from 'vitest';
import { compactTables } from './compact-tables.ts';
import {
  compact,
  compactionJob,
  entry,
  FIRST_TEMP,
  options,
  writeRuns,
  writeTable,
} from './compaction.test-support.ts';
import { Compaction } from './compaction.ts';
import { putTogether, takeApart } from './table-parts.test-support.ts';
import { temporaryDirectory } from './temporary-directory.test-support.ts';
import handleTask from './worker.ts';
import { flushWorkerUrl } from './worker-url.ts';

const numbered = (prefix: string, count: number, step = 1): Entry[] =>
  Array.from({ length: count }, (_, i) =>
    entry(`${prefix}${String(i * step).padStart(6, '0')}`, i + 1, 'some value'),
  );

const run = (job: CompactionJob, storage: Storage): CompactResponse =>
  compactTables(job, storage, systemClock);

const errorOf = (response: CompactResponse) => (response.kind === 'failed' ? response.error : undefined);

const temporaries = (storage: Storage) => storage.listNow().filter(({ type }) => type === FileType.Temp);

/** Three runs that overlap, and outputs of many tables. */
function prepared(storage: Storage): CompactionJob {
  const runs = writeRuns(storage, [numbered('k', 300, 7), numbered('k', 400, 5), numbered('k', 500, 3)]);
  return compactionJob(runs, { maxTableBytes: 4000, options: options({ blockBytes: 1000 }) });
}

describe('a compaction that fails', () => {
  const replace = (storage: Storage, number: number, image: Uint8Array): InputTable['size'] => {
    storage.removeNow(tableFile(number));
    const file = storage.createNow(tableFile(number));
    file.writeNow(image, 0, image.length, 0);
    file.closeNow();
    return image.length;
  };
  const imageOf = (storage: Storage, number: number): Uint8Array<ArrayBuffer> =>
    storage.readAllNow(tableFile(number), 1e9);

  /** Compacts two runs, of which the older is damaged; expects an answer that names it, and no file. */
  function failure(
    damage: (image: Uint8Array<ArrayBuffer>) => Uint8Array,
    sizeByManifest?: (size: number) => number,
  ): NonNullable<ReturnType<typeof errorOf>> {
    const storage = new MemoryStorage();
    const [newer, older] = writeRuns(storage, [numbered('k', 300, 2), numbered('k', 300, 3)]);
    const size = replace(storage, 2, damage(imageOf(storage, 2)));
    const input = { ...older![0]!, size: sizeByManifest?.(size) ?? size };
    const error = errorOf(run(compactionJob([newer!, [input]], { maxTableBytes: 1000 }), storage));
    expect(temporaries(storage)).toEqual([]);
    expect(error).toMatchObject({ code: ErrorCode.Corruption, file: '000002.ldb' });
    return error!;
  }
  const flipped = (at: number) => (image: Uint8Array<ArrayBuffer>) => {
    image[at < 0 ? image.length + at : at]! ^= 1;
    return image;
  };
  const reordered =
    (change: (parts: ReturnType<typeof takeApart>) => void) => (image: Uint8Array<ArrayBuffer>) => {
      const parts = takeApart(image);
      change(parts);
      return putTogether(parts);
    };

  test('because a data block is damaged names its offset', () => {
    expect(failure(flipped(100))).toMatchObject({ offset: 0, message: expect.stringContaining('checksum') });
    const second = failure(flipped(5000));
    expect(second.offset).toBeGreaterThan(4000);
    expect(second.offset).toBeLessThan(5000);
  });

  test('because the footer or the index is damaged', () => {
    expect(failure(flipped(-1)).offset).toBeGreaterThan(7000);
    expect(failure(flipped(-100)).offset).toBeGreaterThan(7000);
  });

  test('because the file has another size than the manifest states', () => {
    expect(
      failure(
        (image) => image,
        (size) => size - 1,
      ).message,
    ).toContain('manifest');
    expect(
      failure(
        (image) => image,
        (size) => size + 1,
      ).message,
    ).toContain('manifest');
    expect(failure((image) => image.slice(0, 20)).message).toContain('20 bytes');
  });

  test('because the table is missing', () => {
    const storage = new MemoryStorage();
    const runs = writeRuns(storage, [numbered('k', 300), numbered('k', 300)]);
    storage.removeNow(tableFile(2));
    const error = errorOf(run(compactionJob(runs), storage));
    expect(error).toMatchObject({ code: ErrorCode.Corruption, file: '000002.ldb' });
    expect(temporaries(storage)).toEqual([]);
  });

  test('because blocks stand in another order than their keys', () => {
    const error = failure(
      reordered((parts) => {
        const [first, second] = parts.data;
        parts.data[0] = { ...second!, separator: first!.separator };
        parts.data[1] = { ...first!, separator: second!.separator };
      }),
    );
    expect(error.offset).toBeGreaterThan(0);
    expect(error.message).toContain('does not sort after');
  });

  test.each([
    { id: 'first', number: 0 },
    { id: 'last', number: -1 },
  ])('because the $id key lies outside the bounds that the manifest states', ({ number }) => {
    const error = failure(
      reordered((parts) => {
        const block = parts.data.at(number)!;
        // The first byte of the first key, or of the last key's own bytes.
        const at = number === 0 ? 3 : block.contents.lastIndexOf(0x37, block.contents.length - 30);
        block.contents[at]! += number === 0 ? -1 : 2;
      }),
    );
    expect(error.message).toContain('bounds');
  });

  test('because the entries of a block do not ascend, whether or not the keys differ in their first bytes', () => {
    const storage = new MemoryStorage();
    const long = 'l'.repeat(40);
    for (const keys of [
      ['a', 'c', 'b', 'd'],
      [`${long}a`, `${long}c`, `${long}b`, `${long}d`],
    ]) {
      const [newer, older] = [1, 2].map((number) => {
        storage.removeNow(tableFile(number));
        return writeTable(
          storage,
          number,
          [...keys].sort().map((key, i) => entry(key, i + 1, 'v')),
          { restartInterval: 1 },
        );
      });
      const parts = takeApart(imageOf(storage, 2));
      const { contents } = parts.data[0]!;
      // With a restart point at each entry, keys are whole: 'c' and 'b' change places.
      const b = contents.indexOf(0x62);
      const c = contents.indexOf(0x63);
      contents[b] = 0x63;
      contents[c] = 0x62;
      const size = replace(storage, 2, putTogether(parts));
      const error = errorOf(run(compactionJob([[newer!], [{ ...older!, size }]]), storage));
      expect(error).toMatchObject({ code: ErrorCode.Corruption, file: '000002.ldb', offset: 0 });
      expect(error!.message).toContain('does not sort after');
    }
    expect(temporaries(storage)).toEqual([]);
  });

  test.each(['create', 'open-read', 'read', 'write', 'sync'] as const)(
    'at each %s in turn answers with the system error and leaves no file',
    (operation: StorageOperation) => {
      const total = new FaultStorage(new MemoryStorage());
      const job = prepared(total);
      const before = total.countOf(operation);
      expect(run(job, total).kind).toBe('compacted');
      const count = total.countOf(operation) - before;
      expect(count).toBeGreaterThan(2);
      for (let nth = 1; nth <= count; nth++) {
        const inner = new MemoryStorage();
        const same = prepared(inner);
        const errno = nth % 2 === 0 ? 'EIO' : 'ENOSPC';
        const storage = new FaultStorage(inner, {
          rules: [{ operation, nth, times: 1, effect: 'error', errno }],
        });
        const error = errorOf(run(same, storage));
        expect(error, `${operation} ${nth}`).toMatchObject({ code: ErrorCode.IoError, errno });
        expect(temporaries(inner), `${operation} ${nth}`).toEqual([]);
      }
    },
  );

  test('and cannot remove its files reports the first failure, not the second', () => {
    const inner = new MemoryStorage();
    const job = prepared(inner);
    const storage = new FaultStorage(inner, {
      rules: [
        { operation: 'sync', nth: 2, times: 1, effect: 'error', errno: 'EIO' },
        { operation: 'remove', nth: 1, times: Number.POSITIVE_INFINITY, effect: 'error', errno: 'EACCES' },
      ],
    });
    expect(errorOf(run(job, storage))).toMatchObject({ errno: 'EIO' });
    expect(temporaries(inner)).toHaveLength(2);
  });

  test('because its file exists already does not touch that file', () => {
    const storage = new MemoryStorage();
    const job = prepared(storage);
    const theirs = storage.createNow(tempFile(FIRST_TEMP + 1));
    theirs.writeNow(Buffer.from('theirs'), 0, 6, 0);
    theirs.closeNow();
    expect(errorOf(run(job, storage))).toMatchObject({ code: ErrorCode.IoError });
    expect(temporaries(storage)).toEqual([tempFile(FIRST_TEMP + 1)]);
    expect(Buffer.from(storage.readAllNow(tempFile(FIRST_TEMP + 1), 100)).toString()).toBe('theirs');
  });
});

describe('a compaction and its owner', () => {
  test('says how far it has come, and in the end that it has done all bytes of its inputs', () => {
    const storage = new MemoryStorage();
    const handle = new CompactionHandle();
    const runs = writeRuns(storage, [numbered('k', 30_000, 2), numbered('k', 30_000, 3)]);
    const total = runs.flat().reduce((sum, { size }) => sum + size, 0);
    const reports: number[] = [];
    const observed = new Proxy(storage, {
      get(target, name) {
        reports.push(handle.report().bytesDone);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    compact(compactionJob(runs, { ...handle.memory, maxTableBytes: 100_000 }), observed);
    expect(handle.report()).toEqual({ bytesDone: total, pausedMs: 0 });
    expect(new Set(reports).size).toBeGreaterThan(2);
    expect(reports).toEqual([...reports].sort((left, right) => left - right));
  });

  test('of which several share the tables by subranges have done all bytes together', () => {
    const storage = new MemoryStorage();
    const runs = writeRuns(storage, [numbered('k', 3000, 2), numbered('k', 3000, 3)]);
    const total = runs.flat().reduce((sum, { size }) => sum + size, 0);
    const bounds = ['k001000', 'k002500', 'k004000', 'k007000'].map((key) => Buffer.from(key));
    const done = [undefined, ...bounds].map((begin, part) => {
      const end = bounds[part];
      const change = {
        ...(begin && { begin }),
        ...(end && { end }),
        tempNumbers: { first: 100 + part, count: 1 },
      };
      const compaction = new Compaction(compactionJob(runs, change), storage, systemClock);
      while (!compaction.step());
      return compaction.bytesDone;
    });
    const sum = done.reduce((left, right) => left + right, 0);
    expect(Math.abs(sum - total)).toBeLessThan(5000);
    expect(Math.min(...done)).toBeGreaterThan(0);
  });

  test('that cancels before it begins writes nothing', () => {
    const storage = new MemoryStorage();
    const handle = new CompactionHandle();
    const job = { ...prepared(storage), ...handle.memory };
    handle.cancel();
    const before = storage.listNow().length;
    expect(run(job, storage)).toEqual({ kind: 'cancelled' });
    expect(storage.listNow()).toHaveLength(before);
  });

  test('that cancels in the middle leaves no file, complete ones included', () => {
    const storage = new MemoryStorage();
    const handle = new CompactionHandle();
    const job = { ...prepared(storage), ...handle.memory };
    const observed = new Proxy(storage, {
      get(target, name) {
        if (name === 'createNow' && temporaries(target).length === 3) handle.cancel();
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    expect(run(job, observed)).toEqual({ kind: 'cancelled' });
    expect(temporaries(storage)).toEqual([]);
  });

  test('can be done step by step: many steps, nothing before the first, an abort at any of them leaves no file', () => {
    const storage = new MemoryStorage();
    const job = prepared(storage);
    const whole = new Compaction(job, storage, systemClock);
    expect(temporaries(storage)).toEqual([]);
    expect(() => whole.result()).toThrow('done');
    let steps = 1;
    while (!whole.step()) steps++;
    expect(whole.step()).toBe(true);
    expect(whole.result().entries).toBe(1200);
    expect(steps).toBeGreaterThan(10);
    whole.abort();
    for (let stop = 0; stop <= steps; stop++) {
      const compaction = new Compaction(job, storage, systemClock);
      for (let step = 0; step < stop; step++) compaction.step();
      compaction.abort();
      compaction.abort();
      expect(temporaries(storage), `after ${stop} steps`).toEqual([]);
    }
  });
});

describe('the worker', () => {
  test('compacts in a thread, sleeps while it is paused, and leaves no descriptor open', async () => {
    const directory = temporaryDirectory();
    const storage = new NodeStorage(directory);
    const runs = writeRuns(storage, [numbered('k', 3000, 2), numbered('k', 3000, 3)]);
    const handle = new CompactionHandle();
    handle.pause();
    const request = {
      task: 'compact',
      protocolVersion: FLUSH_PROTOCOL_VERSION,
      storage: { kind: 'node', directory },
      ...compactionJob(runs, { ...handle.memory, maxTableBytes: 40_000 }),
    } as const;
    const thread = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const { readdirSync } = require('node:fs');
       import(workerData.url).then(({ default: handleTask }) => {
         const before = readdirSync('/proc/self/fd').length;
         parentPort.postMessage('begins');
         const answer = handleTask(workerData.request);
         parentPort.postMessage({ answer, leaked: readdirSync('/proc/self/fd').length - before });
       });`,
      { eval: true, workerData: { url: flushWorkerUrl.href, request } },
    );
    await once(thread, 'message');
    const answered = once(thread, 'message');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(readdirSync(directory).filter((name) => name.endsWith('.dbtmp'))).toEqual([]);
    handle.resume();
    const [{ answer, leaked }] = await answered;
    await thread.terminate();
    expect(answer).toMatchObject({ kind: 'compacted', entries: 6000 });
    expect(answer.timings.pausedMs).toBeGreaterThan(20);
    expect(handle.report().pausedMs).toBe(answer.timings.pausedMs);
    expect(leaked).toBe(0);
    expect(answer.tables.length).toBeGreaterThan(2);
    storage.closeNow();
  });

  test('answers with a failure that crosses as data', () => {
    const directory = temporaryDirectory();
    const storage = new NodeStorage(directory);
    const runs = writeRuns(storage, [numbered('k', 30)]);
    storage.removeNow(tableFile(1));
    storage.closeNow();
    const answer = handleTask({
      task: 'compact',
      protocolVersion: FLUSH_PROTOCOL_VERSION,
      storage: { kind: 'node', directory },
      ...compactionJob(runs),
    });
    expect(structuredClone(answer)).toMatchObject({
      kind: 'failed',
      error: { code: ErrorCode.Corruption, file: '000001.ldb' },
    });
  });

  test('that was cancelled while it was paused answers so', () => {
    const storage = new MemoryStorage();
    const handle = new CompactionHandle();
    handle.cancel();
    handle.pause();
    expect(new CompactionGuest(handle.memory).state).toBe(2);
    expect(run({ ...prepared(storage), ...handle.memory }, storage)).toEqual({ kind: 'cancelled' });
  });
});
