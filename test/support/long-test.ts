/** Time limit of tests that take seconds on a fast machine: also one that is ten times slower, or busy, must pass. */
export const LONG_TEST_MS = 300_000;
