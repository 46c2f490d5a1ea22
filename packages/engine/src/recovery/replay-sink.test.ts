import { systemClock } from '@arena-level/common/base/clock';
import { ErrorCode } from '@arena-level/common/base/errors';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { DEFAULT_TABLE_OPTIONS } from '@arena-level/common/table/table-options';
import { beforeEach, describe, expect, test } from 'vitest';
import { InlineFlushExecutor } from '../flush/inline-flush-executor.ts';
import { ArenaPool } from '../memtable/arena-pool.ts';
import { ReplaySink } from './replay-sink.ts';

/** A put record: kind, key, value. */
const RECORD = Uint8Array.of(1, 1, 107, 1, 118);

let storage: MemoryStorage;
let pool: ArenaPool;
let sink: ReplaySink;
beforeEach(() => {
  let nextNumber = 10;
  storage = new MemoryStorage();
  pool = new ArenaPool(
    { kind: MemDbKind.Hash, standardBytes: 4096, maxIdle: 1 },
    { clock: systemClock, preparer: undefined },
  );
  const executor = new InlineFlushExecutor(storage, systemClock);
  const newFileNumber = (): number => nextNumber++;
  sink = new ReplaySink({ storage, pool, executor, newFileNumber }, DEFAULT_TABLE_OPTIONS, 0);
});

function insertAt(sequence: number): void {
  sink.insert(RECORD, 0, RECORD.length, 1, sequence);
}

describe('where replayed records go', () => {
  test.each([0, 2 ** 54])('an arena that does not take sequence number %d goes back', (sequence) => {
    expect(() => insertAt(sequence)).toThrow(expect.objectContaining({ code: ErrorCode.Internal }));
    expect(pool.inUse).toBe(0);
    sink.abandon();
    expect(pool.inUse).toBe(0);
  });

  test.each([
    { id: 'descend', sequenceOf: (i: number) => 1_000 - i },
    { id: 'repeat', sequenceOf: () => 1_000 },
    { id: 'lie far apart', sequenceOf: (i: number) => 1 + i * 2 ** 40 },
  ])('sequence numbers that $id take no more arenas than a few, over and over', async ({ sequenceOf }) => {
    let mostInUse = 0;
    for (let i = 0; i < 500; i++) {
      insertAt(sequenceOf(i));
      mostInUse = Math.max(mostInUse, pool.inUse);
    }
    expect(mostInUse).toBeLessThanOrEqual(4);
    await sink.finish();
    expect(sink.tables).toHaveLength(500);
    expect(sink.lastSequence).toBe(Math.max(sequenceOf(0), sequenceOf(499)));
    expect(pool.inUse).toBe(0);
  });

  test('a large record beside small ones has an arena of its own size', async () => {
    const large = new Uint8Array(20_000);
    large.set([1, 1, 107, 0x9a, 0x9c, 0x01]);
    for (let i = 0; i < 20; i++) {
      insertAt(1_000 - 2 * i);
      sink.insert(large, 0, 6 + 19_994, 1, 999 - 2 * i);
    }
    await sink.finish();
    expect(sink.tables).toHaveLength(40);
    expect(pool.inUse).toBe(0);
  });

  test('after a failure every arena goes back', () => {
    for (let i = 0; i < 10; i++) insertAt(1_000 - i);
    sink.abandon();
    expect(pool.inUse).toBe(0);
  });
});
