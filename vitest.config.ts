import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Where `.ci/run` wants the counts. */
const report = process.env['TEST_REPORT_JSON'];

/** Tests run on the TypeScript sources; only the worker bundle is built first (scripts/bundle-worker.mjs). */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    pool: 'forks',
    // Two files at a time also on two cores, where vitest would take one: much of their time is waiting for disks and threads.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    include: ['packages/*/src/**/*.test.ts', 'bench/src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/support/bundle-worker.setup.ts'],
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
