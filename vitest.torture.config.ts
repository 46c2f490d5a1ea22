import { defineConfig } from 'vitest/config';

/** The long versions of the random tests: `pnpm torture`. TORTURE_SCALE=0.1 takes a tenth, SEED=n another course. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    pool: 'forks',
    include: ['test/torture/**/*.torture.ts'],
    globalSetup: ['test/support/bundle-worker.setup.ts'],
    fileParallelism: false,
    testTimeout: 3_600_000,
  },
});
