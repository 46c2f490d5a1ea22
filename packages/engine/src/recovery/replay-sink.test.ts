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
    { clock: systemClock, prepare: undefined },
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
});
