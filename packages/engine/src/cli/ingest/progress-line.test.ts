import { PassThrough } from 'node:stream';
import type { Clock } from '@arena-level/common/base/clock';
import { describe, expect, test } from 'vitest';
import { type Progress, ProgressLine, progressText } from './progress-line.ts';

const PROGRESS: Progress = {
  records: 1000,
  malformed: 0,
  bytesRead: 250_000,
  bytesTotal: 1_000_000,
  elapsedMs: 2000,
  stalls: 0,
  stalledMs: 0,
};

/** A clock that stands where it is put. */
function standingClock(): Clock & { ms: number } {
  return { ms: 0, now: () => clock.ms, after: () => () => undefined, keepAlive: () => () => undefined };
}
let clock = standingClock();

describe('the progress line', () => {
  test('tells rate, share and time left when the size is known', () => {
    expect(progressText(PROGRESS)).toBe('1,000 records  250.0 kB  500/s  25 %  6.0 s left');
  });

  test('tells neither share nor time left for a pipe, nor before the first byte', () => {
    expect(progressText({ ...PROGRESS, bytesTotal: undefined })).toBe('1,000 records  250.0 kB  500/s');
    expect(progressText({ ...PROGRESS, records: 0, bytesRead: 0, elapsedMs: 0 })).toBe('0 records  0 B  0/s');
  });

  test('never tells more than 100 %, also when the file grew', () => {
    expect(progressText({ ...PROGRESS, bytesTotal: 100 })).toContain('100 %  0.0 s left');
  });

  test('tells stalls and malformed records when there are any', () => {
    const text = progressText({
      ...PROGRESS,
      bytesTotal: undefined,
      stalls: 2,
      stalledMs: 1500,
      malformed: 3,
    });
    expect(text).toBe('1,000 records  250.0 kB  500/s  2 stalls (1.5 s)  3 malformed');
  });

  test('is drawn at most ten times a second, cut to the terminal, and taken away', () => {
    clock = standingClock();
    const output = new PassThrough();
    const line = new ProgressLine(output, 13, clock);
    for (clock.ms = 0; clock.ms < 200; clock.ms += 10) line.update(() => PROGRESS);
    line.clear();
    expect(output.read().toString()).toBe('\r\u001b[K1,000 record\r\u001b[K1,000 record\r\u001b[K');
  });

  test('is drawn whole on a terminal that gives its width as 0 columns', () => {
    clock = standingClock();
    const output = new PassThrough();
    new ProgressLine(output, 0, clock).update(() => PROGRESS);
    expect(output.read().toString()).toBe(`\r\u001b[K${progressText(PROGRESS)}`);
  });

  test('is silent without a terminal, and asks for nothing', () => {
    clock = standingClock();
    const line = new ProgressLine(undefined, 80, clock);
    line.update(() => {
      throw new Error('not to be asked');
    });
    line.clear();
  });
});
