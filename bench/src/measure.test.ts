import { describe, expect, test } from 'vitest';
import { type Case, check, measureGroup, timed } from './measure.ts';

function recorded(name: string, times: readonly number[], log: string[]): Case {
  let at = 0;
  return {
    name,
    sample() {
      log.push(name);
      return { operations: 2, elapsedMs: times[at++]! };
    },
    dispose: () => void log.push(`${name} disposed`),
  };
}

describe('measuring a group', () => {
  test('leaves warm-ups out and gives median and range per operation', async () => {
    const cases = [recorded('a', [100, 6, 2, 4], [])];
    const [a] = await measureGroup(
      { name: 'g', operation: 'op', cases: () => cases },
      { repetitions: 3, warmups: 1 },
    );
    expect(a).toEqual({
      group: 'g',
      operation: 'op',
      name: 'a',
      nsPerOperation: { median: 2e6, min: 1e6, max: 3e6 },
      operationsPerSecond: 500,
      samplesNs: [3e6, 1e6, 2e6],
    });
  });

  test('counts several samples of one go one by one', async () => {
    const many = { name: 'a', sample: () => [2, 4, 9].map((elapsedMs) => ({ operations: 1, elapsedMs })) };
    const group = { name: 'g', operation: 'op', cases: () => [many] };
    const [a] = await measureGroup(group, { repetitions: 2, warmups: 1 });
    expect(a).toMatchObject({
      nsPerOperation: { median: 4e6, min: 2e6, max: 9e6 },
      samplesNs: [2e6, 4e6, 9e6, 2e6, 4e6, 9e6],
    });
  });

  test('runs the cases in turns and begins each round with another one', async () => {
    const log: string[] = [];
    const cases = [recorded('a', [1, 1, 1], log), recorded('b', [1, 1, 1], log)];
    await measureGroup({ name: 'g', operation: 'op', cases: () => cases }, { repetitions: 3, warmups: 0 });
    expect(log.join(' ')).toBe('a b b a a b b disposed a disposed');
  });

  test('disposes of all cases when one fails', async () => {
    const log: string[] = [];
    const failing: Case = {
      name: 'bad',
      sample: () => {
        check(false, 'no work was done');
      },
    };
    const group = {
      name: 'g',
      operation: 'op',
      cases: () => [failing, recorded('a', [], log), recorded('b', [], log)],
    };
    await expect(measureGroup(group, { repetitions: 1, warmups: 0 })).rejects.toThrow('no work was done');
    expect(log).toEqual(['b disposed', 'a disposed']);
  });

  test('times only what runs inside', () => {
    const sample = timed(5, () => undefined);
    expect(sample.operations).toBe(5);
    expect(sample.elapsedMs).toBeGreaterThanOrEqual(0);
  });
});
