import type { MasterRoot } from '../../public/public-types.ts';
import type { StoreStats } from '../../public/stats.ts';
import { counted, formatBytes, formatCount, formatDuration } from '../format.ts';
import type { LoadCounts, Malformed } from './load-records.ts';

/** What an ingest did: what `--json` prints. */
export interface IngestSummary {
  readonly records: number;
  /** Bytes of the keys and values stored. */
  readonly bytes: number;
  /** From the first read to the end of the last flush. */
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly rotations: number;
  readonly flushes: number;
  /** Tables of the store now. */
  readonly tables: number;
  /** Threads that parsed; 0: the main thread did. */
  readonly threads: number;
  /** Tables that these threads built and that were put in at once; 0: records were written in batches. */
  readonly ingestedTables: number;
  readonly stalls: number;
  readonly stalledSeconds: number;
  readonly malformed: number;
  readonly malformedSamples: readonly Malformed[];
  /** Hexadecimal. */
  readonly masterRoot: string;
  /** Last sequence number that the MasterRoot covers. */
  readonly sequence: number;
  readonly interrupted: boolean;
}

export function summarize(
  counts: LoadCounts,
  elapsedMs: number,
  stats: StoreStats,
  root: MasterRoot,
  interrupted: boolean,
  threads: number,
): IngestSummary {
  const seconds = elapsedMs / 1000;
  const perSecond = (amount: number): number => (seconds > 0 ? Math.round(amount / seconds) : 0);
  const { stalls, stalledMs } = totalStalls(stats);
  return {
    records: counts.records,
    bytes: counts.bytes,
    seconds: rounded(seconds),
    recordsPerSecond: perSecond(counts.records),
    bytesPerSecond: perSecond(counts.bytes),
    rotations: stats.rotations.count,
    flushes: stats.flushes.count,
    tables: stats.levels.reduce((sum, level) => sum + level.tables, 0),
    threads,
    ingestedTables: stats.ingests.tables,
    stalls,
    stalledSeconds: rounded(stalledMs / 1000),
    malformed: counts.malformed,
    malformedSamples: counts.samples,
    masterRoot: Buffer.from(root.root).toString('hex'),
    sequence: root.sequence,
    interrupted,
  };
}

export function totalStalls(stats: StoreStats): { readonly stalls: number; readonly stalledMs: number } {
  const all = Object.values(stats.stalls);
  return {
    stalls: all.reduce((sum, one) => sum + one.count, 0),
    stalledMs: all.reduce((sum, one) => sum + one.totalMs, 0),
  };
}

export function summaryText(summary: IngestSummary): string {
  const { records, bytes, seconds, malformed } = summary;
  const lines = [
    `${summary.interrupted ? 'Interrupted: stored' : 'Stored'} ${counted(records, 'record')} ` +
      `(${formatBytes(bytes)}) in ${formatDuration(seconds * 1000)}: ` +
      `${formatCount(summary.recordsPerSecond)} records/s, ${formatBytes(summary.bytesPerSecond)}/s`,
    `${counted(summary.rotations, 'rotation')}, ${formatCount(summary.flushes)} flushed, ` +
      `${counted(summary.tables, 'table')}, ${stallText(summary)}`,
  ];
  if (summary.ingestedTables > 0) {
    lines.push(`${counted(summary.ingestedTables, 'table')} built by ${counted(summary.threads, 'thread')}`);
  }
  if (malformed > 0) {
    lines.push(`${counted(malformed, 'malformed record')} left out:`);
    for (const sample of summary.malformedSamples) lines.push(`  line ${sample.line} ${sample.reason}`);
    const unnamed = malformed - summary.malformedSamples.length;
    if (unnamed > 0) lines.push(`  and ${formatCount(unnamed)} more`);
  }
  lines.push(`MasterRoot ${summary.masterRoot} at sequence ${formatCount(summary.sequence)}`);
  return `${lines.join('\n')}\n`;
}

function stallText(summary: IngestSummary): string {
  if (summary.stalls === 0) return 'no stalls';
  return `${counted(summary.stalls, 'stall')} of ${formatDuration(summary.stalledSeconds * 1000)} in all`;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
