import { describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.test-support.ts';
import {
  FORGIVING_READS,
  MAX_DELAY_MS,
  MIN_DELAY_MS,
  PROOF_READS,
  type ReadMode,
  ReadScheduler,
  SLOW_MS,
} from './read-scheduler.ts';

const FAST_MS = SLOW_MS / 4;

/** A scheduler over reads that take as long as the test says. */
class Reads {
  readonly clock = new FakeClock();
  readonly scheduler: ReadScheduler;

  constructor(mode: ReadMode = 'auto') {
    this.scheduler = new ReadScheduler(this.clock, mode);
  }

  /** Reads as an asynchronous caller does, and says how that was done. */
  async read(durationMs: number): Promise<'direct' | 'pool'> {
    if (this.scheduler.isDirect) {
      this.readNow(durationMs);
      return 'direct';
    }
    await this.scheduler.readInPool(async () => this.clock.advance(durationMs));
    return 'pool';
  }

  readNow(durationMs: number): void {
    this.scheduler.readNow(() => this.clock.advance(durationMs));
  }

  async times(count: number, durationMs: number): Promise<('direct' | 'pool')[]> {
    const ways: ('direct' | 'pool')[] = [];
    for (let i = 0; i < count; i++) ways.push(await this.read(durationMs));
    return ways;
  }
}

function count<T>(list: readonly T[], wanted: T): number {
  return list.filter((one) => one === wanted).length;
}

describe('a scheduler in mode auto', () => {
  test('begins in the pool and reads on the thread once reads have proved fast', async () => {
    const ways = await new Reads().times(PROOF_READS + 3, FAST_MS);
    expect(ways).toEqual([...Array(PROOF_READS).fill('pool'), 'direct', 'direct', 'direct']);
  });

  test('never reads on the thread while the disk is cold', async () => {
    const reads = new Reads();
    expect(count(await reads.times(1000, 8), 'direct')).toBe(0);
  });

  test('one slow read among fast ones in the pool begins the proof anew', async () => {
    const reads = new Reads();
    await reads.times(PROOF_READS - 1, FAST_MS);
    await reads.read(5);
    expect(count(await reads.times(PROOF_READS, FAST_MS), 'direct')).toBe(0);
    expect(await reads.read(FAST_MS)).toBe('direct');
  });

  test('goes back to the pool after the one slow read on the thread that finds out', async () => {
    const reads = new Reads();
    await reads.times(PROOF_READS, FAST_MS);
    expect(await reads.times(5, 8)).toEqual(['direct', 'pool', 'pool', 'pool', 'pool']);
  });

  test('tries again only after a delay, however fast the pool is', async () => {
    const reads = new Reads();
    await reads.times(PROOF_READS, FAST_MS);
    await reads.read(8);
    expect(count(await reads.times(PROOF_READS * 2, FAST_MS), 'direct')).toBe(0);
    reads.clock.advance(MIN_DELAY_MS);
    expect(await reads.times(2, FAST_MS)).toEqual(['pool', 'direct']);
  });

  test('finds that come soon after one another double the delay up to its most', async () => {
    const reads = new Reads();
    const delays: number[] = [];
    for (let find = 0; find < 10; find++) {
      const start = reads.clock.now();
      while ((await reads.read(FAST_MS)) === 'pool') reads.clock.advance(MIN_DELAY_MS / 4);
      delays.push(reads.clock.now() - start);
      await reads.read(8);
    }
    const after = delays.slice(1);
    for (let i = 1; i < after.length; i++) expect(after[i]).toBeGreaterThanOrEqual(after[i - 1]!);
    expect(after[1]).toBeGreaterThan(MIN_DELAY_MS);
    expect(after.at(-1)).toBeGreaterThanOrEqual(MAX_DELAY_MS * 0.9);
    expect(after.at(-1)).toBeLessThan(MAX_DELAY_MS * 1.2);
  });

  test('a long time of fast reads makes it forget earlier finds', async () => {
    const reads = new Reads();
    for (let find = 0; find < 6; find++) {
      while ((await reads.read(FAST_MS)) === 'pool') reads.clock.advance(MIN_DELAY_MS);
      await reads.read(8);
    }
    while ((await reads.read(FAST_MS)) === 'pool') reads.clock.advance(MIN_DELAY_MS);
    await reads.times(FORGIVING_READS, FAST_MS);
    await reads.read(8);
    await reads.times(PROOF_READS, FAST_MS);
    reads.clock.advance(MIN_DELAY_MS);
    expect(await reads.times(2, FAST_MS)).toEqual(['pool', 'direct']);
  });

  test('reads of blocking callers are proof too, for and against', () => {
    const reads = new Reads();
    for (let i = 0; i < PROOF_READS; i++) reads.readNow(FAST_MS);
    expect(reads.scheduler.isDirect).toBe(true);
    reads.readNow(8);
    expect(reads.scheduler.isDirect).toBe(false);
  });

  test('reads that overlap are judged by how many end in how long', async () => {
    for (const [eachMs, expected] of [
      [FAST_MS, true],
      [SLOW_MS * 2, false],
    ] as const) {
      const { clock, scheduler } = new Reads();
      const ends: (() => void)[] = [];
      const all = Array.from({ length: 40 }, () =>
        scheduler.readInPool(() => new Promise<void>((resolve) => void ends.push(resolve))),
      );
      // Four threads: in the time of one read four end.
      for (let i = 0; i < ends.length; i++) {
        if (i % 4 === 3) clock.advance(eachMs);
        ends[i]!();
        await Promise.resolve();
      }
      await Promise.all(all);
      expect(scheduler.isDirect).toBe(expected);
    }
  });

  test('a stream of reads that never pauses is judged all the same', async () => {
    const { clock, scheduler } = new Reads();
    let endLast: () => void = () => {};
    for (let i = 0; i < 200; i++) {
      const endBefore = endLast;
      void scheduler.readInPool(() => new Promise<void>((resolve) => (endLast = resolve)));
      clock.advance(FAST_MS / 8);
      endBefore();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(scheduler.isDirect).toBe(true);
  });

  test('a read that fails is passed on, and the time it took counts', async () => {
    const { clock, scheduler } = new Reads();
    const failure = new Error('EIO');
    for (let i = 0; i < PROOF_READS * 2; i++) {
      const read = scheduler.readInPool(async () => {
        clock.advance(20);
        throw failure;
      });
      await expect(read).rejects.toBe(failure);
    }
    expect(scheduler.isDirect).toBe(false);
    expect(() =>
      scheduler.readNow(() => {
        throw failure;
      }),
    ).toThrow(failure);
  });
});

test('the modes pool and direct stay what they are', async () => {
  expect(count(await new Reads('pool').times(100, FAST_MS), 'direct')).toBe(0);
  expect(count(await new Reads('direct').times(100, 50), 'pool')).toBe(0);
});
