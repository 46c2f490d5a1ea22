import { describe, expect, test } from 'vitest';
import { parseCount, whyNotCounted } from '../support/instructions.ts';
import { COUNTED_RUNS, type CountedRun, countInstructions, instructionTable } from './instructions.ts';

describe('counted instructions', () => {
  test('are the slope between a short run and a long one', async () => {
    const runs: CountedRun[] = [];
    const counts = await countInstructions(async (run) => {
      runs.push(run);
      const operations = run.mode.kind === 'single' ? run.reads / 10 : run.reads;
      return 500_000_000 + operations * (run.engine === 'arena' ? 1000 : 4000);
    });
    expect(runs).toHaveLength(COUNTED_RUNS);
    for (const { engine, perRecord } of counts) expect(perRecord).toBe(engine === 'arena' ? 1000 : 4000);
    // A read workload reads more, and stores the same.
    const reading = runs.filter(({ workload }) => workload === 'readrandom');
    expect(new Set(reading.map(({ records }) => records)).size).toBe(1);
    expect(new Set(reading.map(({ reads }) => reads)).size).toBe(2);
  });

  test('stand beside those of an earlier commit', () => {
    const counts = (own: number): Parameters<typeof instructionTable>[0] => [
      { name: 'fillrandom', engine: 'arena', perRecord: own },
      { name: 'fillrandom', engine: 'classic-level', perRecord: 9000 },
    ];
    expect(instructionTable(counts(3000), counts(4500))).toMatch(
      /fillrandom\s+3,000\s+9,000\s+3\.00\s+2\.00/,
    );
    expect(instructionTable(counts(3000))).toMatch(/3\.00\s*$/);
  });

  test('are read from what valgrind writes', () => {
    expect(parseCount('==7== Collected : 12\n==7== \n==7== I   refs:      2,017,919,659\n')).toBe(
      2_017_919_659,
    );
    expect(() => parseCount('==7== killed')).toThrow('valgrind counted nothing:\n==7== killed');
  });

  test('are not counted where valgrind is missing', () => {
    expect(whyNotCounted('no-such-valgrind')).toBe('no-such-valgrind is not installed');
  });
});
