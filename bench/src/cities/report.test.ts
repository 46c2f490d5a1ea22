import { describe, expect, test } from 'vitest';
import { reportTable, spreadLine } from './report.ts';
import type { RunResult } from './run.ts';

const RUN: RunResult = {
  mode: 'inline',
  records: 1000,
  bytes: 1_000_000,
  acknowledgedMs: 500,
  flushedMs: 800,
  settledMs: 1000,
  mainCpuMs: 2,
  mainCpuSource: 'test',
  loopDelay: { idleMs: 1, p50Ms: 0, p99Ms: 100, p999Ms: 200, maxMs: 300 },
  rotations: { count: 2, totalMs: 1, maxMs: 0.5 },
  flushes: { count: 3, totalMs: 30, cpuMs: 0, bytes: 1 },
  compactions: { count: 1, busyMs: 10, pausedMs: 0, bytesWritten: 1_000_000, writeAmplification: 2 },
  stalls: [
    { reason: 'frozen-memtables', count: 0, totalMs: 0, maxMs: 0 },
    { reason: 'healing', count: 0, totalMs: 0, maxMs: 0 },
  ],
  tables: 3,
  tableBytes: 1_000_000,
  masterRoot: '00',
  sequence: 1000,
};
const WORKER: RunResult = {
  ...RUN,
  mode: 'worker',
  settledMs: 500,
  loopDelay: { ...RUN.loopDelay, p99Ms: 1 },
};

function line(table: string, name: string): string {
  return table
    .split('\n')
    .find((candidate) => candidate.includes(name))!
    .trim()
    .replace(/ {2,}/g, ' | ');
}

describe('the report', () => {
  test('has both modes and their ratio', () => {
    const table = reportTable([RUN, WORKER]);
    expect(line(table, 'until all levels are settled')).toBe(
      'records/s until all levels are settled | 1,000 | 2,000 | 2.00',
    );
    expect(line(table, 'p99, ms')).toBe('event loop delay over idle, p99, ms | 100 | 1.00 | 0.010');
    expect(line(table, 'CPU per record')).toBe('CPU per record, us | 2.00 | 2.00 | 1.00');
  });

  test('leaves out a ratio to nothing', () => {
    expect(line(reportTable([RUN, WORKER]), 'p50, ms')).toBe(
      'event loop delay over idle, p50, ms | 0.00 | 0.00',
    );
  });

  test('names only stalls that occurred in some run', () => {
    expect(line(reportTable([RUN, WORKER]), 'all reasons')).toBe('all reasons | 0 | 0');
    const stalled = {
      ...WORKER,
      stalls: [{ reason: 'frozen-memtables', count: 4, totalMs: 20, maxMs: 9 } as const],
    };
    const table = reportTable([RUN, stalled]);
    expect(line(table, 'frozen-memtables: waits')).toBe('frozen-memtables: waits | 0 | 4');
    expect(table).not.toContain('healing');
  });

  test('has medians of repeated runs, and tells their range', () => {
    const slow = { ...WORKER, settledMs: 2000 };
    const slower = { ...WORKER, settledMs: 4000 };
    expect(line(reportTable([RUN, slower, WORKER, slow]), 'seconds in all')).toBe(
      'seconds in all | 1.00 | 2.00 | 2.00',
    );
    expect(spreadLine('worker', [RUN, slower, WORKER, slow])).toBe(
      '  worker: 500 records/s (250 to 2,000) in 3 runs',
    );
  });
});
