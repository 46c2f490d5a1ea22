import { describe, expect, test } from 'vitest';
import { threadReads, threadsReport } from '../report/reports.test-support.ts';
import { type Goal, goalsOf } from './goals.ts';
import { threadsTables } from './threads-table.ts';

interface Rates {
  readonly idle: number;
  readonly paced: number;
  readonly written: number;
  readonly crowded?: number;
}

/** The owner reads and writes 1,000 per second. */
function goalsWith(ofThreads: readonly [one: Rates, two: Rates], peer: number): Goal[] {
  const ofPeer = { idle: peer, paced: peer, written: peer };
  return goalsOf(
    threadsReport({
      reads: [
        threadReads('arena', 0, { idle: 1000, paced: 1000, written: 1000 }),
        threadReads('arena', 1, ofThreads[0]),
        threadReads('arena', 2, ofThreads[1]),
        ...[0, 1, 2].map((readers) => threadReads('classic-level', readers, ofPeer)),
      ],
    }),
  );
}

function met(goals: readonly Goal[], ...words: string[]): [found: string, isMet: boolean][] {
  return goals
    .filter(({ what }) => words.every((word) => what.includes(word)))
    .map(({ found, isMet }) => [found, isMet]);
}

describe('goals', () => {
  const one = { idle: 700, paced: 690, written: 851 };
  const two = { idle: 1392, paced: 1400, written: 850, crowded: 900 };
  const goals = goalsWith([one, two], 349);

  test('readers: each reaches 70 % of what the owner reads by itself while it does nothing else', () => {
    expect(met(goals, 'reads of 1 thread', 'owner idle: each')).toEqual([['70 %', true]]);
    expect(met(goals, 'reads of 1 thread', 'owner writing: each')).toEqual([['69 %', false]]);
    // Rounded, and missed nevertheless.
    expect(met(goals, 'reads of 2 threads', 'owner idle: each')).toEqual([['70 %', false]]);
    expect(met(goals, 'reads of 2 threads', 'owner writing: each')).toEqual([['70 %', true]]);
  });

  test('writes: slowed by less than 15 %', () => {
    expect(met(goals, 'slowed by the reads of 1 thread')).toEqual([['15 %', true]]);
    expect(met(goals, 'slowed by the reads of 2 threads')).toEqual([['15 %', false]]);
  });

  test('writes: slowed by less than 15 % of what is left beside threads that compute', () => {
    expect(met(goals, 'the same against 1 thread')).toEqual([]);
    expect(met(goals, 'the same against 2 threads')).toEqual([['6 %', true]]);
  });

  test('the peer: beaten by two to one, thread for thread', () => {
    expect(met(goals, 'reads of 1 thread', 'idle: of those of classic-level')).toEqual([['x 2.01', true]]);
    expect(met(goals, 'reads of 1 thread', 'writing: of those of classic-level')).toEqual([
      ['x 1.98', false],
    ]);
  });

  test('hand-overs: a ring keeps its thread for less time than postMessage', () => {
    const { handOvers } = threadsReport();
    const slower = handOvers.map((run) => ({
      ...run,
      costs: run.costs.map((cost) =>
        cost.transport === 'ring' && cost.entries === 10 ? { ...cost, callUs: 20 } : cost,
      ),
    }));
    const found = goalsOf(threadsReport({ handOvers: slower }));
    expect(met(found, 'a batch of 1:')).toEqual([['1.00 us', true]]);
    expect(met(found, 'a batch of 10:')).toEqual([['20.0 us', false]]);
  });

  test('are left out where a figure of them was not measured', () => {
    const report = threadsReport();
    expect(goalsOf({ ...report, reads: [], handOvers: [] })).toEqual([]);
    const own = report.reads.filter(({ engine }) => engine === 'arena');
    expect(met(goalsOf({ ...report, reads: own }), 'classic-level')).toEqual([]);
  });
});

test('the tables have every figure of every number of threads, and the goals beside them', () => {
  const report = threadsReport();
  const lines = threadsTables(report).split('\n');
  const after = (heading: string, row: string): string =>
    lines
      .slice(lines.findIndex((line) => line.startsWith(heading)))
      .find((line) => line.startsWith(`  ${row} `))!;
  expect(after('records/s until acknowledged', '3 threads')).toMatch(/ 250,000 +250,000$/);
  expect(after('reads/s in all, the owner idle', '2 threads')).toMatch(/ 400,000 +400,000$/);
  expect(after('records/s written as fast', 'nobody')).toMatch(/ 500,000 +500,000$/);
  expect(after('how long a batch keeps its thread, us (median), 16', '100 entries')).toMatch(
    / 100 +200 +300$/,
  );
  for (const { what } of goalsOf(report)) {
    expect(lines.filter((line) => line.startsWith(what))).toHaveLength(1);
  }
  // The owner that reads writes nothing as fast as it can; nobody's reads are no figure.
  expect(lines.filter((line) => /^ {2}(nobody|the owner|\d threads?) *$/.test(line))).toEqual([]);
  expect(threadsTables({ ...report, handOvers: [] })).not.toContain('handed to the thread');
});
