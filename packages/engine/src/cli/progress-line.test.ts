import { PassThrough } from 'node:stream';
import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { describe, expect, test } from 'vitest';
import { type Progress, ProgressLine, progressText } from './progress-line.ts';

const PROGRESS: Progress = { parts: ['1,000 records', '500/s'], done: 25, total: 100 };

describe('the text of progress', () => {
  test('has a bar, the share, and the time left', () => {
    expect(progressText(PROGRESS, 2000)).toBe(
      '[=====>              ]   25 %  6 s left  1,000 records  500/s',
    );
    expect(progressText({ ...PROGRESS, done: 99.9 }, 600_000)).toContain('  99 %  1 s left');
    expect(progressText({ ...PROGRESS, done: 50 }, 245_000)).toContain('  4 min 05 s left');
  });

  test('has no time left before there is anything to go by, nor at the end', () => {
    expect(progressText(PROGRESS, 100)).toBe('[=====>              ]   25 %  1,000 records  500/s');
    expect(progressText({ ...PROGRESS, done: 0 }, 5000)).toBe(
      '[>                   ]    0 %  1,000 records  500/s',
    );
    // More than all: the file has grown.
    expect(progressText({ ...PROGRESS, done: 150 }, 5000)).toBe(
      '[====================]  100 %  1,000 records  500/s',
    );
  });

  test('is only what has been done when nobody knows how much there is', () => {
    expect(progressText({ ...PROGRESS, total: undefined }, 2000)).toBe('1,000 records  500/s');
    expect(progressText({ ...PROGRESS, total: 0 }, 2000)).toBe('1,000 records  500/s');
  });

  test('leaves out whole parts that do not fit', () => {
    const whole = progressText(PROGRESS, 2000);
    expect(progressText(PROGRESS, 2000, whole.length)).toBe(whole);
    expect(progressText(PROGRESS, 2000, whole.length - 1)).toBe(whole.slice(0, -'  500/s'.length));
    expect(progressText({ parts: ['1,000 records'], done: 1, total: undefined }, 0, 5)).toBe('1,000');
  });
});

describe('the progress line', () => {
  test('is drawn at most ten times a second, and taken away', () => {
    const clock = new ManualClock();
    const output = new PassThrough();
    const line = new ProgressLine(output, 14, clock);
    for (let at = 0; at < 200; at += 10) {
      line.update(() => ({ ...PROGRESS, total: undefined }));
      clock.advance(10);
    }
    line.draw({ ...PROGRESS, total: undefined, parts: ['last'] });
    line.clear();
    expect(output.read().toString()).toBe(
      '\r\u001b[K1,000 records\r\u001b[K1,000 records\r\u001b[Klast\r\u001b[K',
    );
    expect(line.elapsedMs).toBe(200);
  });

  test('is drawn whole on a terminal that gives its width as 0 columns', () => {
    const output = new PassThrough();
    new ProgressLine(output, 0, new ManualClock()).update(() => PROGRESS);
    expect(output.read().toString()).toBe(`\r\u001b[K${progressText(PROGRESS, 0)}`);
  });

  test('is silent without a terminal, and asks for nothing', () => {
    const line = new ProgressLine(undefined, 80, new ManualClock());
    expect(line.isDue).toBe(false);
    line.update(() => {
      throw new Error('not to be asked');
    });
    line.draw(PROGRESS);
    line.clear();
  });
});
