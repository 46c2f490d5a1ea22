/**
 * Builds tables from the entries of one piece of a source: in order, each key once, with its last value. The entries go
 * through a MemDB of this thread's own, which puts them in order as a flush does.
 */
import { createArena } from '@arena-level/common/arena/arena';
import type { Clock } from '@arena-level/common/base/clock';
import { equalRanges } from '@arena-level/common/bytes/compare';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import { MemDbKind, type MemDbReader } from '@arena-level/common/memdb/memdb';
import { orderedNodes } from '@arena-level/common/memdb/ordered-nodes';
import type { CompactedTable } from '@arena-level/common/protocol/compaction-protocol';
import type { EncodedBatch, RunJob, RunResponse } from '@arena-level/common/protocol/ingest-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import { BatchEncoder, BatchList, recordsOf } from './batch-encoder.ts';
import { ingestFailure } from './ingest-failure.ts';
import { OutputTables } from './output-tables.ts';
import { parsePiece } from './parse-piece.ts';

/** Entries are gathered in chunks of about this size before it is known how large the arena has to be. */
const CHUNK_BYTES: number = 4 * 1024 * 1024;

/** Expected failures are answers: this throws nothing. No file is left unless the answer is `run-built`. */
export async function buildRun(job: RunJob, storage: Storage, clock: Clock): Promise<RunResponse> {
  try {
    const list = new BatchList();
    const encoder = new BatchEncoder(
      { batchBytes: CHUNK_BYTES, batchEntries: Number.POSITIVE_INFINITY },
      list,
    );
    const parsed = await parsePiece(job, encoder);
    encoder.finish();
    const tables = parsed.entries === 0 ? [] : buildTables(list.batches, job, storage, clock);
    return { kind: 'run-built', parsed, tables };
  } catch (error) {
    return ingestFailure(error);
  }
}

function buildTables(
  batches: readonly EncodedBatch[],
  job: RunJob,
  storage: Storage,
  clock: Clock,
): readonly CompactedTable[] {
  const reader = gather(batches);
  const outputs = new OutputTables(job, storage, clock);
  try {
    addNewest(reader, outputs, job.sequence);
    outputs.finish();
    return outputs.tables;
  } catch (error) {
    outputs.discard();
    throw error;
  }
}

/** All entries in one MemDB, numbered in the order of the source. */
function gather(batches: readonly EncodedBatch[]): MemDbReader {
  let entries = 0;
  let kvBytes = 0;
  for (const batch of batches) {
    const { start, end } = recordsOf(batch);
    entries += batch.entries;
    kvBytes += end - start;
  }
  const arena = createArena({ kind: MemDbKind.Hash, kvBytes, entries });
  arena.activate(0);
  const memdb = createMemDb(arena);
  let next = 1;
  for (const batch of batches) {
    const { start, end } = recordsOf(batch);
    memdb.insert(batch.bytes, start, end, batch.entries, next);
    next += batch.entries;
  }
  return memdb;
}

/** Of the versions of a key the first in order is the newest. */
function addNewest(reader: MemDbReader, outputs: OutputTables, sequence: number): void {
  const { kvData } = reader.arena;
  const nodes = orderedNodes(reader);
  let lastStart = 0;
  let lastEnd = -1;
  for (const node of nodes) {
    const keyStart = reader.keyOffset(node);
    const keyEnd = keyStart + reader.keyLength(node);
    if (equalRanges(kvData, keyStart, keyEnd, kvData, lastStart, lastEnd)) continue;
    lastStart = keyStart;
    lastEnd = keyEnd;
    if (outputs.isFull && outputs.canCut) outputs.finish();
    const valueStart = reader.valueOffset(node);
    const valueEnd = valueStart + reader.valueLength(node);
    outputs.builder().add(kvData, keyStart, keyEnd, sequence, ValueKind.Put, kvData, valueStart, valueEnd);
  }
}
