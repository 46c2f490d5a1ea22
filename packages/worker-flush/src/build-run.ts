/**
 * Builds tables from the entries of one piece of a source: in order, each key once, with its last value. The entries go
 * through a MemDB of this thread's own, which puts them in order as a flush does.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { KIB } from '@arena-level/common/base/limits';
import { equalRanges } from '@arena-level/common/bytes/compare';
import { ValueKind } from '@arena-level/common/key/value-kind';
import type { MemDbReader } from '@arena-level/common/memdb/memdb';
import { orderedNodes } from '@arena-level/common/memdb/ordered-nodes';
import type { CompactedTable } from '@arena-level/common/protocol/compaction-protocol';
import type { RunJob, RunResponse } from '@arena-level/common/protocol/ingest-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import { BatchEncoder } from './batch-encoder.ts';
import { ingestFailure } from './ingest-failure.ts';
import { OutputTables } from './output-tables.ts';
import { parsePiece } from './parse-piece.ts';
import { RunGatherer } from './run-gatherer.ts';

/** Entries are handed to the MemDB by so much: what stays in the cache until then. */
const CHUNK_BYTES: number = 60 * KIB;

/** Expected failures are answers: this throws nothing. No file is left unless the answer is `run-built`. */
export async function buildRun(job: RunJob, storage: Storage, clock: Clock): Promise<RunResponse> {
  const gatherer = new RunGatherer();
  try {
    const sizes = { batchBytes: CHUNK_BYTES, batchEntries: Number.POSITIVE_INFINITY };
    const encoder = new BatchEncoder(sizes, gatherer);
    const parsed = await parsePiece(job, encoder);
    encoder.finish();
    const tables = parsed.entries === 0 ? [] : buildTables(gatherer.reader, job, storage, clock);
    return { kind: 'run-built', parsed, tables };
  } catch (error) {
    return ingestFailure(error);
  } finally {
    gatherer.release();
  }
}

function buildTables(
  reader: MemDbReader,
  job: RunJob,
  storage: Storage,
  clock: Clock,
): readonly CompactedTable[] {
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
