/**
 * Builds a table from a frozen arena: the one function behind both executors. It blocks, and it is pure but for the
 * temporary file that it writes through the given storage.
 *
 * The arena is only read, apart from its progress word. Whether it is the right one is checked before the first
 * read and after the last: by generation, state and count of entries. The file is complete and its data synced when
 * the answer is `built`; in every other case it is removed again as far as that is possible.
 */
import { type Arena, attachArena } from '@arena-level/common/arena/arena';
import { ArenaState } from '@arena-level/common/arena/arena-state';
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { equalRanges } from '@arena-level/common/bytes/compare';
import { attachMemDb } from '@arena-level/common/memdb/create-memdb';
import type { MemDbReader, NodeRef } from '@arena-level/common/memdb/memdb';
import { orderedNodes } from '@arena-level/common/memdb/ordered-nodes';
import type { FlushJob, FlushResponse } from '@arena-level/common/protocol/flush-protocol';
import { toWireError } from '@arena-level/common/protocol/wire-error';
import { tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import { closeOrDiscard, discard } from './temporary-table.ts';
import { threadCpuMs } from './thread-cpu.ts';

/** Entries between two looks at the cancel word: a tenth of a millisecond or so. */
const CANCEL_INTERVAL_ENTRIES = 256;
const CANCELLED = -1;

/** Expected failures are answers: this throws nothing. */
export function buildTable(job: FlushJob, storage: Storage, clock: Clock): FlushResponse {
  try {
    const arena = attachArena(job.arena, { generation: job.generation, entries: job.entries });
    requireFrozen(arena);
    if (job.entries === 0) return { kind: 'empty' };
    if (arena.isCancelled) return { kind: 'cancelled' };
    return buildFrom(arena, job, storage, clock);
  } catch (error) {
    return { kind: 'failed', error: toWireError(error) };
  }
}

function buildFrom(arena: Arena, job: FlushJob, storage: Storage, clock: Clock): FlushResponse {
  const cpuBeforeMs = threadCpuMs();
  const startedMs = clock.now();
  const reader = attachMemDb(arena);
  const nodes = orderedNodes(reader);
  requireEntries(nodes.length, job.entries);
  const sortedMs = clock.now();

  const file = storage.createNow(tempFile(job.tempNumber));
  let response: FlushResponse = { kind: 'cancelled' };
  try {
    const builder = new TableBuilder(file, job.options);
    const dropped = addEntries(builder, reader, nodes, job.dropHorizon);
    if (dropped !== CANCELLED) {
      const table = builder.finish();
      requireSame(arena, job.generation);
      const builtMs = clock.now();
      file.syncNow();
      const syncedMs = clock.now();
      const timings = {
        sortMs: sortedMs - startedMs,
        buildMs: builtMs - sortedMs,
        syncMs: syncedMs - builtMs,
        cpuMs: threadCpuMs() - cpuBeforeMs,
      };
      response = { kind: 'built', table, dropped, timings };
    }
  } catch (error) {
    discard(storage, file);
    throw error;
  }
  if (response.kind === 'cancelled') discard(storage, file);
  else closeOrDiscard(storage, file);
  return response;
}

/**
 * Adds the entries in order, but for versions that nobody can ask for: those of a user key behind one that is kept
 * and not newer than `dropHorizon`. Returns how many were left out, or CANCELLED.
 */
function addEntries(
  builder: TableBuilder,
  reader: MemDbReader,
  nodes: ArrayLike<NodeRef>,
  dropHorizon: number,
): number {
  const { arena } = reader;
  const { kvData } = arena;
  let dropped = 0;
  /** User key of the entry before, and whether its older versions are shadowed for every reader. */
  let lastStart = 0;
  let lastEnd = 0;
  let shadows = false;
  for (let i = 0; i < nodes.length; i++) {
    if (i % CANCEL_INTERVAL_ENTRIES === 0) {
      if (arena.isCancelled) return CANCELLED;
      arena.progress = i;
    }
    const node = nodes[i]!;
    const keyStart = reader.keyOffset(node);
    const keyEnd = keyStart + reader.keyLength(node);
    if (shadows && equalRanges(kvData, keyStart, keyEnd, kvData, lastStart, lastEnd)) {
      dropped++;
      continue;
    }
    const sequence = reader.sequence(node);
    const valueStart = reader.valueOffset(node);
    const valueEnd = valueStart + reader.valueLength(node);
    builder.add(kvData, keyStart, keyEnd, sequence, reader.valueKind(node), kvData, valueStart, valueEnd);
    lastStart = keyStart;
    lastEnd = keyEnd;
    shadows = sequence <= dropHorizon;
  }
  arena.progress = nodes.length;
  return dropped;
}

function requireFrozen(arena: Arena): void {
  if (arena.state === ArenaState.Frozen || arena.state === ArenaState.Flushing) return;
  throw notTheArena(`is in state ${arena.state}, not frozen`);
}

function requireSame(arena: Arena, generation: number): void {
  requireFrozen(arena);
  if (arena.generation === generation) return;
  throw notTheArena(`was reused while it was read: generation ${arena.generation} instead of ${generation}`);
}

function requireEntries(found: number, expected: number): void {
  if (found === expected) return;
  throw notTheArena(`has ${found} entries in its index instead of ${expected}`);
}

function notTheArena(what: string): EngineError {
  return new EngineError(ErrorCode.Internal, `an arena to flush ${what}`);
}
