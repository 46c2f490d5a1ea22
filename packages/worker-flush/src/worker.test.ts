import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Arena, createArena } from '@arena-level/common/arena/arena';
import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import {
  FLUSH_PROTOCOL_VERSION,
  type FlushRequest,
  type WorkerRequest,
  type WorkerResponse,
} from '@arena-level/common/protocol/flush-protocol';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { Compression } from '@arena-level/common/table/table-options';
import { describe, expect, test } from 'vitest';
import { flushJob, frozenArena, put, randomWrites } from './frozen-arena.test-support.ts';
import { temporaryDirectory } from './temporary-directory.test-support.ts';
import handleTask from './worker.ts';
import { flushWorkerUrl } from './worker-url.ts';

const SEED = Number(process.env['SEED'] ?? 20_240_609);

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

function flushRequest(arena: Arena, directory: string, change: Partial<FlushRequest> = {}): FlushRequest {
  return {
    task: 'flush',
    protocolVersion: FLUSH_PROTOCOL_VERSION,
    storage: { kind: 'node', directory },
    ...flushJob(arena, { dropHorizon: 50 }, { compression: Compression.Snappy }),
    ...change,
  };
}

describe('the worker', () => {
  test('builds a table in the directory it is told, verifies it, and leaves no descriptor open', () => {
    const directory = temporaryDirectory();
    const arena = frozenArena(MemDbKind.Hash, randomWrites(new Prng(SEED), 500));
    const before = openDescriptors();
    const built = handleTask(flushRequest(arena, directory));
    if (built.kind !== 'built') throw new Error(JSON.stringify(built));
    expect(readFileSync(join(directory, '000007.dbtmp')).length).toBe(built.table.size);
    copyFileSync(join(directory, '000007.dbtmp'), join(directory, '000008.ldb'));
    const { size, smallest, largest } = built.table;
    const verified = handleTask({
      task: 'verify',
      protocolVersion: FLUSH_PROTOCOL_VERSION,
      storage: { kind: 'node', directory },
      tableNumber: 8,
      size,
      smallest,
      largest,
    });
    expect(verified).toMatchObject({ kind: 'verified', root: built.table.root, problems: [] });
    expect(openDescriptors()).toBe(before);
  });

  test('prepares an arena for its next use', () => {
    const arena = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    arena.transition(4);
    arena.transition(0);
    const answer = handleTask({
      task: 'prepare',
      protocolVersion: FLUSH_PROTOCOL_VERSION,
      arena: arena.shared,
    });
    expect(answer).toEqual({ kind: 'prepared' });
    expect(arena.isClean).toBe(true);
  });

  test('answers with a failure when the arena to prepare is in use', () => {
    const arena = createArena({ kind: MemDbKind.Hash, kvBytes: 4096 });
    arena.activate(0);
    const answer = handleTask({
      task: 'prepare',
      protocolVersion: FLUSH_PROTOCOL_VERSION,
      arena: arena.shared,
    });
    expect(answer).toMatchObject({ kind: 'failed', error: { code: ErrorCode.Internal } });
  });

  test('follows the fault plan of its request, and leaves neither file nor descriptor behind', () => {
    const directory = temporaryDirectory();
    const arena = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    const storage: StorageSpec = {
      kind: 'fault',
      directory,
      plan: { rules: [{ operation: 'sync', nth: 1, times: 1, effect: 'error', errno: 'ENOSPC' }] },
    };
    const before = openDescriptors();
    const answer = handleTask(flushRequest(arena, directory, { storage }));
    expect(answer).toMatchObject({ kind: 'failed', error: { code: ErrorCode.IoError, errno: 'ENOSPC' } });
    expect(readdirSync(directory)).toEqual([]);
    expect(openDescriptors()).toBe(before);
  });

  test('answers with a failure when its directory is missing', () => {
    const arena = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    const answer = handleTask(flushRequest(arena, join(temporaryDirectory(), 'none')));
    expect(answer).toMatchObject({ kind: 'failed', error: { code: ErrorCode.IoError, errno: 'ENOENT' } });
  });

  test('refuses the protocol of another version before it looks at the request', () => {
    for (const protocolVersion of [0, FLUSH_PROTOCOL_VERSION + 1]) {
      const answer = handleTask({ task: 'flush', protocolVersion } as FlushRequest);
      expect(answer).toMatchObject({
        kind: 'failed',
        error: {
          code: ErrorCode.WorkerFailed,
          message: expect.stringContaining(`version ${protocolVersion}`),
        },
      });
    }
  });

  test('answers with a failure to what is no request', () => {
    for (const request of [
      undefined,
      null,
      7,
      {},
      { protocolVersion: FLUSH_PROTOCOL_VERSION, task: 'cook' },
    ]) {
      expect(handleTask(request as unknown as WorkerRequest)).toMatchObject({ kind: 'failed' });
    }
  });
});

/** Has a task done by a bundle in a thread that loads it as Node does, and tells whether it found the native packages. */
async function runBundle(
  url: string,
  request: WorkerRequest,
): Promise<{ answer: WorkerResponse; isNative: boolean }> {
  const program = `
    const { createRequire } = require('node:module');
    const { parentPort, workerData } = require('node:worker_threads');
    const packages = ['snappy', '@node-rs/crc32'];
    const isNative = packages.every((name) => {
      try { return createRequire(workerData.url).resolve(name) !== ''; } catch { return false; }
    });
    import(workerData.url).then((bundle) => parentPort.postMessage({ answer: bundle.default(workerData.request), isNative }));
  `;
  // Without the environment: NODE_PATH may lead to packages that are not beside the file.
  const thread = new Worker(program, { eval: true, env: {}, workerData: { url, request } });
  const [message] = await once(thread, 'message');
  await thread.terminate();
  return message;
}

describe('the bundle', () => {
  test('is one file that gives the bytes of the sources, beside the native packages and alone', async () => {
    const alone = join(temporaryDirectory(), 'flush.worker.mjs');
    copyFileSync(fileURLToPath(flushWorkerUrl), alone);
    const arena = frozenArena(MemDbKind.Hash, randomWrites(new Prng(SEED), 2000));
    const tableOf = (directory: string): string =>
      readFileSync(join(directory, '000007.dbtmp')).toString('base64');

    const source = temporaryDirectory();
    expect(handleTask(flushRequest(arena, source))).toMatchObject({ kind: 'built' });
    for (const { url, expected } of [
      { url: flushWorkerUrl.href, expected: { answer: { kind: 'built' } } },
      { url: pathToFileURL(alone).href, expected: { answer: { kind: 'built' }, isNative: false } },
    ]) {
      const directory = temporaryDirectory();
      const done = await runBundle(url, flushRequest(arena, directory));
      expect(done).toMatchObject(expected);
      expect(tableOf(directory)).toBe(tableOf(source));
    }
  });
});
