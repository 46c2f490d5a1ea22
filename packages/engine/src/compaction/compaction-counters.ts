import { LEVELS } from '@arena-level/common/base/limits';
import type { CompactResponse } from '@arena-level/common/protocol/compaction-protocol';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { CompactionLevelStats } from '../public/stats.ts';
import { totalSize } from './level-scores.ts';
import type { RunningCompaction } from './running-compaction.ts';

/** How much a new measurement of the drain rate counts beside the older ones. */
const NEWEST_SHARE = 0.3;
/** Before anything was measured: that of a slow machine. */
const FIRST_DRAIN_BYTES_PER_MS = 20_000;

type Compacted = Extract<CompactResponse, { kind: 'compacted' }>;
type LevelCounters = { -readonly [K in keyof CompactionLevelStats]: CompactionLevelStats[K] };

/** What compactions have done since the store was opened, by the level they wrote to. */
export class CompactionCounters {
  readonly levels: readonly LevelCounters[] = Array.from({ length: LEVELS }, () => ({
    compactions: 0,
    moves: 0,
    bytesRead: 0,
    bytesWritten: 0,
    bytesFromAbove: 0,
    entries: 0,
    dropped: 0,
    blocksCopied: 0,
    busyMs: 0,
    pausedMs: 0,
  }));
  failed = 0;
  /** Bytes of level 0 that compactions took out of it, per millisecond; the newer ones count more. */
  level0DrainBytesPerMs: number = FIRST_DRAIN_BYTES_PER_MS;

  add({ pick, bytesTotal }: RunningCompaction, answers: readonly Compacted[], durationMs: number): void {
    const level = this.levels[pick.outputLevel]!;
    if (pick.isTrivialMove) {
      level.moves++;
      return;
    }
    level.compactions++;
    level.bytesRead += bytesTotal;
    level.bytesFromAbove += totalSize(pick.inputs);
    level.busyMs += durationMs;
    for (const { tables, entries, dropped, blocksCopied, timings } of answers) {
      for (const { table } of tables) level.bytesWritten += table.size;
      level.entries += entries;
      level.dropped += dropped;
      level.blocksCopied += blocksCopied;
      level.pausedMs += timings.pausedMs;
    }
    if (pick.level === 0) this.#measureDrain(pick.inputs, durationMs);
  }

  get bytesWritten(): number {
    return this.levels.reduce((sum, level) => sum + level.bytesWritten, 0);
  }

  #measureDrain(inputs: readonly TableMetadata[], durationMs: number): void {
    const measured = totalSize(inputs) / Math.max(1, durationMs);
    this.level0DrainBytesPerMs += NEWEST_SHARE * (measured - this.level0DrainBytesPerMs);
  }
}
