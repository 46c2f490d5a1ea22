import { describe, expect, test } from 'vitest';
import { progressText } from '../progress-line.ts';
import { type IngestCounts, ingestProgress } from './ingest-progress.ts';

const COUNTS: IngestCounts = {
  records: 1000,
  malformed: 0,
  bytesRead: 250_000,
  bytesTotal: 1_000_000,
  elapsedMs: 2000,
  stalls: 0,
  stalledMs: 0,
};

const textOf = (counts: IngestCounts): string => progressText(ingestProgress(counts), counts.elapsedMs);

describe('the progress of an ingest', () => {
  test('tells share, time left, records, rate and bytes when the size is known', () => {
    expect(textOf(COUNTS)).toBe('[=====>              ]   25 %  6 s left  1,000 records  500/s  250.0 kB');
  });

  test('tells neither share nor time left for a pipe', () => {
    expect(textOf({ ...COUNTS, bytesTotal: undefined })).toBe('1,000 records  500/s  250.0 kB');
    expect(textOf({ ...COUNTS, bytesTotal: undefined, records: 0, bytesRead: 0, elapsedMs: 0 })).toBe(
      '0 records  0/s  0 B',
    );
  });

  test('tells stalls and malformed records when there are any', () => {
    const troubled = { ...COUNTS, bytesTotal: undefined, stalls: 2, stalledMs: 1500, malformed: 3 };
    expect(textOf(troubled)).toBe('1,000 records  500/s  250.0 kB  2 stalls (1.5 s)  3 malformed');
  });
});
