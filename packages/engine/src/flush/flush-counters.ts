import type { FlushTimings } from '@arena-level/common/protocol/flush-protocol';
import type { TableSummary } from '@arena-level/common/table/table-options';

/** What flushes have come to since the store was opened. */
export class FlushCounters {
  /** Commits. */
  count = 0;
  failed = 0;
  entries = 0;
  dropped = 0;
  bytes = 0;
  /** Milliseconds from the request to the answer, and the parts of it that the builder measured. */
  totalMs = 0;
  sortMs = 0;
  buildMs = 0;
  syncMs = 0;
  cpuMs = 0;

  addBuilt(table: TableSummary, dropped: number, totalMs: number, timings: FlushTimings): void {
    this.entries += table.entries;
    this.dropped += dropped;
    this.bytes += table.size;
    this.totalMs += totalMs;
    this.sortMs += timings.sortMs;
    this.buildMs += timings.buildMs;
    this.syncMs += timings.syncMs;
    this.cpuMs += timings.cpuMs;
  }
}
