import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { flushRequest, ManualClock, writeWorker } from './piscina-pool.test-support.ts';
import { PiscinaPool } from './piscina-pool.ts';

/** Answers with the priority of its thread, which on Linux alone is not that of the process. */
const WORKER = writeWorker(`
  import { getPriority } from 'node:os';
  export default () => getPriority();
`);

test.runIf(process.platform === 'linux').each([
  { background: true, lower: 10 },
  { background: false, lower: 0 },
])(
  'threads of a pool with background $background are $lower below this one',
  async ({ background, lower }) => {
    const pool = new PiscinaPool(WORKER, 1, new ManualClock(), background);
    try {
      // The least there is, where the tests themselves run at a low priority.
      expect(await pool.run(flushRequest(1), {})).toBe(Math.min(19, getPriority() + lower));
    } finally {
      await pool.end();
    }
    expect(getPriority(), 'the thread alone').toBe(getPriority(process.pid));
  },
);
