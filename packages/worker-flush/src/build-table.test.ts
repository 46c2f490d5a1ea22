import { ArenaState } from '@arena-level/common/arena/arena-state';
import { type Clock, systemClock } from '@arena-level/common/base/clock';
import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { makeInternalKey } from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import type { FlushJob, FlushResponse } from '@arena-level/common/protocol/flush-protocol';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { Compression } from '@arena-level/common/table/table-options';
import { describe, expect, test } from 'vitest';
import { buildTable } from './build-table.ts';
import { del, flushJob, frozenArena, put, randomWrites, type Write } from './frozen-arena.test-support.ts';
import { readTable } from './read-table.test-support.ts';

const KINDS = Object.values(MemDbKind);
const SEED = Number(process.env['SEED'] ?? 20_240_607);

type Built = Extract<FlushResponse, { kind: 'built' }>;

function build(job: FlushJob, storage: Storage = new MemoryStorage()): FlushResponse {
  return buildTable(job, storage, systemClock);
}

/** Builds, expects success, and reads the table back. */
function buildAndRead(job: FlushJob): { readonly response: Built; readonly entries: string[] } {
  const storage = new MemoryStorage();
  const response = build(job, storage);
  if (response.kind !== 'built') throw new Error(`not built: ${JSON.stringify(response)}`);
  storage.renameNow(tempFile(job.tempNumber), tableFile(job.tempNumber));
  return { response, entries: readTable(storage, job.tempNumber) };
}

/** What a table of these writes holds, by the definition: a version is left out when a newer one is at or below the horizon. */
function model(writes: readonly Write[], firstSequence: number, dropHorizon: number): string[] {
  const entries = writes.map(({ key, value }, i) => ({
    key: Buffer.from(key),
    sequence: firstSequence + i,
    value,
  }));
  const hidden = (entry: (typeof entries)[number]): boolean =>
    entries.some(
      (newer) =>
        newer.sequence > entry.sequence && newer.sequence <= dropHorizon && newer.key.equals(entry.key),
    );
  return entries
    .filter((entry) => !hidden(entry))
    .sort((a, b) => Buffer.compare(a.key, b.key) || b.sequence - a.sequence)
    .map(({ key, sequence, value }) => {
      const kind = value === undefined ? ValueKind.Delete : ValueKind.Put;
      return `${key.toString('hex')}#${sequence},${kind}=${Buffer.from(value ?? []).toString('hex')}`;
    });
}

describe.each(KINDS)('a table built from a %s arena', (kind) => {
  test(`holds the entries in order, without those that nobody can see (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 30; round++) {
      const writes = randomWrites(prng, 1 + prng.below(400));
      const firstSequence = 1 + prng.below(2 ** 32) * prng.below(2 ** 20);
      const dropHorizon = firstSequence - 1 + prng.below(writes.length + 2);
      const arena = frozenArena(kind, writes, firstSequence);
      const options = { blockBytes: 256 + prng.below(4096), restartInterval: 1 + prng.below(20) };
      const { response, entries } = buildAndRead(flushJob(arena, { dropHorizon }, options));
      const expected = model(writes, firstSequence, dropHorizon);
      expect(entries, `round ${round}`).toEqual(expected);
      expect(response.table.entries).toBe(expected.length);
      expect(response.dropped).toBe(writes.length - expected.length);
      expect(arena.progress).toBe(writes.length);
    }
  });

  test('keeps every version above the horizon and the newest at or below it', () => {
    const writes = [put('a', '1'), put('a', '2'), put('a', '3'), put('a', '4'), put('b', '5')];
    const kept = (dropHorizon: number) =>
      buildAndRead(flushJob(frozenArena(kind, writes), { dropHorizon })).entries.map((e) =>
        e.slice(0, e.indexOf(',')),
      );
    expect(kept(0)).toEqual(['61#4', '61#3', '61#2', '61#1', '62#5']);
    expect(kept(1)).toEqual(['61#4', '61#3', '61#2', '61#1', '62#5']);
    expect(kept(2)).toEqual(['61#4', '61#3', '61#2', '62#5']);
    expect(kept(3)).toEqual(['61#4', '61#3', '62#5']);
    expect(kept(4)).toEqual(['61#4', '62#5']);
    expect(kept(Number.MAX_SAFE_INTEGER)).toEqual(['61#4', '62#5']);
  });

  test('keeps a tombstone, which hides what older tables hold, and drops the puts behind it', () => {
    const { entries, response } = buildAndRead(
      flushJob(frozenArena(kind, [put('a', 'x'), del('a'), del('gone')]), { dropHorizon: 3 }),
    );
    expect(entries).toEqual(['61#2,0=', '676f6e65#3,0=']);
    expect(response.dropped).toBe(1);
  });

  test('does not mistake a key for another one that begins with it', () => {
    const writes = [put('ab', '1'), put('a', '2'), put('abc', '3'), put('', '4')];
    const { response } = buildAndRead(flushJob(frozenArena(kind, writes), { dropHorizon: 4 }));
    expect(response.dropped).toBe(0);
  });

  test('is summed up: bounds, sequence numbers, blocks, size', () => {
    const arena = frozenArena(kind, [put('m', '1'), put('z', '2'), put('a', '3'), put('a', '4')], 100);
    const storage = new MemoryStorage();
    const response = build(flushJob(arena, { tempNumber: 9, dropHorizon: 103 }), storage) as Built;
    expect(response.table).toMatchObject({
      entries: 3,
      blocks: 1,
      smallestSequence: 100,
      largestSequence: 103,
    });
    expect(response.table.smallest).toEqual(makeInternalKey(Buffer.from('a'), 103, ValueKind.Put));
    expect(response.table.largest).toEqual(makeInternalKey(Buffer.from('z'), 101, ValueKind.Put));
    expect(response.table.size).toBe(storage.sizeNow(tempFile(9)));
    expect(response.table.smallest.buffer.byteLength).toBe(9);
  });
});

describe('building a table', () => {
  test(`gives the same bytes from either index, as often as it is repeated (seed ${SEED})`, () => {
    const writes = randomWrites(new Prng(SEED), 2000);
    const images = [...KINDS, ...KINDS].map((kind) => {
      const storage = new MemoryStorage();
      const options = { compression: Compression.Snappy };
      expect(build(flushJob(frozenArena(kind, writes), { dropHorizon: 900 }, options), storage).kind).toBe(
        'built',
      );
      return Buffer.from(storage.readAllNow(tempFile(7), 1e7)).toString('base64');
    });
    expect(new Set(images).size).toBe(1);
  });

  test('syncs the data, so that the table survives a power cut once it has a name', () => {
    const storage = new FaultStorage(new MemoryStorage());
    expect(build(flushJob(frozenArena(MemDbKind.Hash, [put('a', '1')])), storage).kind).toBe('built');
    const operations = storage.events.map((event) => event.operation);
    expect(operations).toEqual(['create', 'write', 'sync']);
  });

  test('measures its parts', () => {
    let now = 0;
    const clock: Clock = { now: () => now++, after: () => () => {}, keepAlive: () => () => {} };
    const arena = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    const response = buildTable(flushJob(arena), new MemoryStorage(), clock) as Built;
    expect(response.timings).toMatchObject({ sortMs: 1, buildMs: 1, syncMs: 1 });
    expect(response.timings.cpuMs).toBeGreaterThanOrEqual(0);
  });

  test('of an empty arena writes no file', () => {
    const storage = new MemoryStorage();
    expect(build(flushJob(frozenArena(MemDbKind.Skiplist, [])), storage)).toEqual({ kind: 'empty' });
    expect(storage.listNow()).toEqual([]);
  });

  test('does not change the arena', () => {
    const arena = frozenArena(MemDbKind.Hash, randomWrites(new Prng(SEED), 300));
    const before = [Buffer.from(arena.nodeData.slice().buffer), Buffer.from(arena.kvData.slice())];
    build(flushJob(arena, { dropHorizon: 200 }));
    expect([Buffer.from(arena.nodeData.slice().buffer), Buffer.from(arena.kvData.slice())]).toEqual(before);
  });
});

describe('a build that is cancelled', () => {
  test('before it begins answers so and writes nothing', () => {
    const arena = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    const storage = new FaultStorage(new MemoryStorage());
    arena.requestCancel();
    expect(build(flushJob(arena), storage)).toEqual({ kind: 'cancelled' });
    expect(storage.events).toEqual([]);
  });

  test('in the middle stops within some hundred entries and removes its file', () => {
    const value = Buffer.alloc(2048);
    const writes = Array.from({ length: 3000 }, (_, i) => ({ key: Buffer.from(`key ${i}`), value }));
    const arena = frozenArena(MemDbKind.Hash, writes);
    const storage = new MemoryStorage();
    const cancelsAtFirstWrite = withWrites(storage, () => arena.requestCancel());
    expect(build(flushJob(arena), cancelsAtFirstWrite)).toEqual({ kind: 'cancelled' });
    expect(arena.progress).toBeLessThan(1000);
    expect(storage.listNow()).toEqual([]);
  });
});

describe('a build that fails', () => {
  const failure = (response: FlushResponse) => (response.kind === 'failed' ? response.error : undefined);
  const arena = frozenArena(MemDbKind.Hash, randomWrites(new Prng(SEED), 500));

  test.each([
    { id: 'another generation', change: { generation: arena.generation + 1 }, message: 'generation' },
    { id: 'fewer entries', change: { entries: 499 }, message: '500 entries instead of 499' },
    { id: 'no arena at all', change: { arena: new SharedArrayBuffer(4096) }, message: 'magic' },
  ])('because the memory has $id leaves no file', ({ change, message }) => {
    const storage = new MemoryStorage();
    const error = failure(build(flushJob(arena, change), storage));
    expect(error).toMatchObject({ code: ErrorCode.Internal, message: expect.stringContaining(message) });
    expect(storage.listNow()).toEqual([]);
  });

  test('because the arena is still written to leaves no file', () => {
    const active = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    active.transition(ArenaState.Flushed);
    active.transition(ArenaState.Free);
    active.activate(10);
    const storage = new MemoryStorage();
    const error = failure(build(flushJob(active), storage));
    expect(error).toMatchObject({ code: ErrorCode.Internal, message: expect.stringContaining('not frozen') });
    expect(storage.listNow()).toEqual([]);
  });

  test('because the arena was reused while it was read says so and leaves no file', () => {
    const reused = frozenArena(MemDbKind.Hash, [put('a', '1')]);
    const job = flushJob(reused);
    const storage = new MemoryStorage();
    const reusesAtFirstWrite = withWrites(storage, () => {
      reused.transition(ArenaState.Flushed);
      reused.transition(ArenaState.Free);
      reused.activate(10);
      reused.freeze();
    });
    const error = failure(build(job, reusesAtFirstWrite));
    expect(error).toMatchObject({ code: ErrorCode.Internal, message: expect.stringContaining('reused') });
    expect(storage.listNow()).toEqual([]);
  });

  test.each(['create', 'write', 'sync'] as const)(
    'at each %s in turn answers with the system error and leaves no file',
    (operation) => {
      const total = new FaultStorage(new MemoryStorage());
      expect(build(flushJob(arena), total).kind).toBe('built');
      for (let nth = 1; nth <= total.countOf(operation); nth++) {
        const storage = new FaultStorage(new MemoryStorage(), {
          rules: [{ operation, nth, times: 1, effect: 'error', errno: 'ENOSPC' }],
        });
        const error = failure(build(flushJob(arena), storage));
        expect(error, `${operation} ${nth}`).toMatchObject({ code: ErrorCode.IoError, errno: 'ENOSPC' });
        expect(storage.listNow(), `${operation} ${nth}`).toEqual([]);
      }
    },
  );

  test('and cannot remove its file reports the first failure, not the second', () => {
    const storage = new FaultStorage(new MemoryStorage(), {
      rules: [
        { operation: 'sync', nth: 1, times: 1, effect: 'error', errno: 'EIO' },
        { operation: 'remove', nth: 1, times: 1, effect: 'error', errno: 'EACCES' },
      ],
    });
    expect(failure(build(flushJob(arena), storage))).toMatchObject({ errno: 'EIO' });
  });

  test('because its file exists already does not touch that file', () => {
    const storage = new MemoryStorage();
    const other = storage.createNow(tempFile(7));
    other.writeNow(Buffer.from('theirs'), 0, 6, 0);
    other.closeNow();
    expect(failure(build(flushJob(arena), storage))).toMatchObject({ code: ErrorCode.IoError });
    expect(Buffer.from(storage.readAllNow(tempFile(7), 100)).toString()).toBe('theirs');
  });
});

/** The same storage; `onWrite` runs before each write to a file created through it. */
function withWrites(storage: Storage, onWrite: () => void): Storage {
  return new Proxy(storage, {
    get(target, name) {
      if (name !== 'createNow') return bound(target, name);
      return (...args: Parameters<Storage['createNow']>) => {
        const file = target.createNow(...args);
        return new Proxy(file, {
          get(inner, method) {
            if (method === 'writeNow') onWrite();
            return bound(inner, method);
          },
        });
      };
    },
  });
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? value.bind(target) : value;
}
