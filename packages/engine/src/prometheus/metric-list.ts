/** The metrics that are read from what a store says of itself, at the moment of a scrape. */
import type { CompactionLevelStats, LevelStats, StoreStats } from '../public/stats.ts';
import type { Observed } from './observed.ts';

/** One number, or several that differ in a label. */
export type Reading = number | readonly (readonly [label: string, value: number])[];

export interface MetricSpec {
  /** Behind the prefix. */
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  /** The label in which its numbers differ. */
  readonly label?: string;
  readonly read: (stats: StoreStats, observed: Observed) => Reading;
}

function counter(name: string, help: string, read: MetricSpec['read'], label?: string): MetricSpec {
  return { name, help, kind: 'counter', read, ...(label === undefined ? {} : { label }) };
}

function gauge(name: string, help: string, read: MetricSpec['read'], label?: string): MetricSpec {
  return { name, help, kind: 'gauge', read, ...(label === undefined ? {} : { label }) };
}

const seconds = (ms: number): number => ms / 1000;

const byLevel =
  (of: (level: LevelStats) => number): MetricSpec['read'] =>
  ({ levels }) =>
    levels.map((level, at) => [String(at), of(level)] as const);

const compacted = (name: string, help: string, of: (level: CompactionLevelStats) => number): MetricSpec =>
  counter(`compaction_${name}`, `${help}, by the level that they wrote to`, byLevel(of), 'level');

const hits = ({ hits: found, misses }: { hits: number; misses: number }): Reading => [
  ['hit', found],
  ['miss', misses],
];

const WRITES: readonly MetricSpec[] = [
  counter('write_entries_total', 'Entries written', ({ writes }) => writes.entries),
  counter('write_bytes_total', 'Bytes of batch records written', ({ writes }) => writes.bytes),
  counter('write_groups_total', 'Journal records: groups of writes', ({ writes }) => writes.groups),
  counter('journal_bytes_total', 'Bytes written to journals', ({ writes }) => writes.journalBytes),
  counter('journal_syncs_total', 'Syncs of journals', ({ writes }) => writes.journalSyncs),
  gauge('pending_bytes', 'Bytes of writes that wait', ({ writes }) => writes.pendingBytes),
  gauge('pressure', '0: writers may go on, to 1: they wait', ({ pressure }) => pressure),
  gauge('last_sequence', 'The last sequence number', ({ lastSequence }) => lastSequence),
  counter(
    'stalls_total',
    'Times that writers waited',
    ({ stalls }) => Object.entries(stalls).map(([reason, { count }]) => [reason, count] as const),
    'reason',
  ),
  counter(
    'stall_seconds_total',
    'Time that writers waited',
    ({ stalls }) =>
      Object.entries(stalls).map(([reason, { totalMs }]) => [reason, seconds(totalMs)] as const),
    'reason',
  ),
];

const MEMORY: readonly MetricSpec[] = [
  gauge(
    'memtables',
    'MemDBs that take writes, and that wait for their flush',
    ({ memtables: { active, frozen } }) => [
      ['active', active],
      ['frozen', frozen],
    ],
    'state',
  ),
  gauge('memtable_entries', 'Entries in MemDBs', ({ memtables }) => memtables.entries),
  gauge('memtable_bytes', 'Bytes of keys and values in MemDBs', ({ memtables }) => memtables.bytes),
  gauge(
    'arenas',
    'Arenas',
    ({ arenas: { inUse, idle, preparing } }) => [
      ['in_use', inUse],
      ['idle', idle],
      ['preparing', preparing],
    ],
    'state',
  ),
  gauge('arena_bytes', 'Memory of arenas', ({ arenas }) => arenas.bytes),
  gauge(
    'block_cache_bytes',
    'Memory of cached blocks that are not shared',
    ({ blockCache }) => blockCache.bytes,
  ),
  counter(
    'block_cache_requests_total',
    'Blocks that the owner asked for',
    ({ blockCache }) => hits(blockCache),
    'result',
  ),
  gauge(
    'shared_cache_bytes',
    'Memory of cached blocks that threads share',
    ({ sharedCache }) => sharedCache.bytes,
  ),
  counter(
    'shared_cache_requests_total',
    'Blocks that all threads asked the shared cache for',
    ({ sharedCache }) => hits(sharedCache),
    'result',
  ),
  counter('table_cache_requests_total', 'Tables asked for', ({ tableCache }) => hits(tableCache), 'result'),
  gauge('open_tables', 'Tables that are open', ({ openTables }) => openTables),
  gauge('snapshots', 'Snapshots that are open', ({ snapshots }) => snapshots),
  gauge('iterators', 'Iterators that are open', ({ iterators }) => iterators),
];

const FLUSHES: readonly MetricSpec[] = [
  counter('rotations_total', 'MemDBs frozen', ({ rotations }) => rotations.count),
  counter('flushes_total', 'Flushes committed', ({ flushes }) => flushes.count),
  counter('flush_failures_total', 'Attempts to flush that failed', ({ flushes }) => flushes.failed),
  counter('flush_entries_total', 'Entries flushed to tables', ({ flushes }) => flushes.entries),
  counter('flush_dropped_entries_total', 'Entries that a flush left out', ({ flushes }) => flushes.dropped),
  counter('flush_bytes_total', 'Bytes of tables that flushes wrote', ({ flushes }) => flushes.bytes),
  counter(
    'flush_stage_seconds_total',
    'Time that builders of flushes took, by stage',
    ({ flushes: { sortMs, buildMs, syncMs } }) => [
      ['sort', seconds(sortMs)],
      ['build', seconds(buildMs)],
      ['sync', seconds(syncMs)],
    ],
    'stage',
  ),
  counter('flush_cpu_seconds_total', 'Processor time of flushes', ({ flushes }) => seconds(flushes.cpuMs)),
  counter('clears_total', 'Calls of clear', ({ clears }) => clears.count),
  counter('clear_dropped_tables_total', 'Tables that clear dropped', ({ clears }) => clears.tables),
  counter('clear_dropped_bytes_total', 'Bytes of tables that clear dropped', ({ clears }) => clears.bytes),
  counter('ingests_total', 'Ingests done', ({ ingests }) => ingests.count),
  counter('ingest_failures_total', 'Ingests that failed', ({ ingests }) => ingests.failed),
  counter('ingest_entries_total', 'Entries that ingests stored', ({ ingests }) => ingests.entries),
  counter(
    'ingest_bytes_total',
    'Bytes of keys and values that ingests stored',
    ({ ingests }) => ingests.bytes,
  ),
  counter('ingest_tables_total', 'Tables that ingests put in', ({ ingests }) => ingests.tables),
  counter('clear_tombstones_total', 'Tombstones that clear wrote', ({ clears }) => clears.tombstones),
];

const LEVELS: readonly MetricSpec[] = [
  gauge(
    'level_tables',
    'Tables, by level',
    byLevel(({ tables }) => tables),
    'level',
  ),
  gauge(
    'level_bytes',
    'Bytes of tables, by level',
    byLevel(({ bytes }) => bytes),
    'level',
  ),
  gauge(
    'write_amplification_ratio',
    'Bytes written to tables per byte flushed',
    (stats) => stats.writeAmplification,
  ),
  compacted('runs_total', 'Compactions committed', (level) => level.compactions),
  compacted('moves_total', 'Tables that changed their level as they were', (level) => level.moves),
  compacted('read_bytes_total', 'Bytes of tables that compactions read', (level) => level.bytesRead),
  compacted('written_bytes_total', 'Bytes of tables that compactions wrote', (level) => level.bytesWritten),
  compacted('entries_total', 'Entries that compactions read', (level) => level.entries),
  compacted('dropped_entries_total', 'Entries that compactions left out', (level) => level.dropped),
  compacted(
    'copied_blocks_total',
    'Blocks that compactions copied as they are stored',
    (level) => level.blocksCopied,
  ),
  compacted('seconds_total', 'Time from begin to commit of compactions', (level) => seconds(level.busyMs)),
  compacted('paused_seconds_total', 'Time that compactions paused for flushes', (level) =>
    seconds(level.pausedMs),
  ),
  counter(
    'compaction_failures_total',
    'Attempts to compact that failed',
    ({ compactions }) => compactions.failed,
  ),
  gauge('compaction_pending_bytes', 'Bytes left to merge by the compaction under way', ({ compactions }) =>
    Math.max(0, compactions.bytesPlanned - compactions.bytesDone),
  ),
];

const WORKERS: readonly MetricSpec[] = [
  gauge(
    'worker_tasks',
    'Tasks of worker threads',
    ({ workers: { running, waiting } }) => [
      ['running', running],
      ['waiting', waiting],
    ],
    'state',
  ),
  counter(
    'worker_tasks_total',
    'Tasks of worker threads that have ended',
    ({ workers }) => workers.completed,
  ),
  counter(
    'worker_crashes_total',
    'Tasks whose thread did not answer as agreed',
    ({ workers }) => workers.crashed,
  ),
];

const THREADS: readonly MetricSpec[] = [
  gauge('threads', 'Other threads that are attached', ({ threads }) => threads.attached),
  gauge('thread_handles', 'Handles whose thread has not ended', ({ threads }) => threads.handles),
  gauge('thread_held_views', 'Old read views that are kept for threads', ({ threads }) => threads.heldViews),
  counter('thread_revocations_total', 'Times that a thread was given up', ({ threads }) => threads.revoked),
  gauge(
    'thread_shared_bytes',
    'Memory that is shared with threads beside arenas',
    ({ threads, rings }) => [
      ['rings', rings.memoryBytes],
      ['lists', threads.sharedBytes],
    ],
    'kind',
  ),
  gauge('ring_waiting_bytes', 'Bytes in rings that are not taken', ({ rings }) => rings.waitingBytes),
  gauge(
    'ring_unwritten_bytes',
    'Bytes taken from rings and not written',
    ({ rings }) => rings.unwrittenBytes,
  ),
  counter('ring_frames_total', 'Frames taken from rings', ({ rings }) => rings.frames),
  counter('ring_entries_total', 'Entries taken from rings', ({ rings }) => rings.entries),
  counter('ring_bytes_total', 'Bytes of batch records taken from rings', ({ rings }) => rings.bytes),
];

const TROUBLE: readonly MetricSpec[] = [
  counter(
    'errors_total',
    'Failures, by what failed',
    (_stats, { errors }) => Object.entries(errors),
    'reason',
  ),
  gauge('writes_stopped', '1: the store takes no writes', (_stats, { writesStopped }) =>
    Number(writesStopped),
  ),
  gauge('healing', '1: the journal is being healed', (_stats, { healing }) => Number(healing)),
];

export const METRICS: readonly MetricSpec[] = [
  WRITES,
  MEMORY,
  FLUSHES,
  LEVELS,
  WORKERS,
  THREADS,
  TROUBLE,
].flat();

export interface HistogramSpec {
  readonly name: string;
  readonly help: string;
  readonly label?: string;
  /** Upper bounds in seconds. */
  readonly buckets: readonly number[];
}

const FAST: readonly number[] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1];
const SLOW: readonly number[] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** The metrics that are made from events. */
export type HistogramName = 'rotation' | 'flush' | 'compaction' | 'stall';

export const HISTOGRAMS: Readonly<Record<HistogramName, HistogramSpec>> = {
  rotation: {
    name: 'rotation_duration_seconds',
    help: 'Time that a rotation held the thread',
    buckets: FAST,
  },
  flush: { name: 'flush_duration_seconds', help: 'Time from a build to its commit', buckets: SLOW },
  compaction: {
    name: 'compaction_duration_seconds',
    help: 'Time of a compaction, by the level that it wrote to',
    label: 'level',
    buckets: SLOW,
  },
  stall: { name: 'stall_duration_seconds', help: 'Time that writers waited', label: 'reason', buckets: SLOW },
};
