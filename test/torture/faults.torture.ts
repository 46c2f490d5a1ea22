import { expect, test } from 'vitest';
import { COMPACTING, runFaultLoop, WRITING } from '../faults/fault-loop.ts';
import { SCALE, SEED } from './torture.ts';

const LIVES = { WRITING, COMPACTING };

test.each(Object.entries(LIVES))(
  `every operation that fails in every way leaves what was acknowledged (%s, seed ${SEED})`,
  async (_, life) => {
    const report = await runFaultLoop({ seed: SEED, oneIn: Math.max(1, Math.round(1 / SCALE)), life });
    process.stderr.write(`faults: ${JSON.stringify({ ...report, problems: report.problems.length })}\n`);
    expect(report.problems).toEqual([]);
  },
);
