import type { Settings } from './workload.ts';

/** For tests: done in moments. */
export const SMALL_SETTINGS: Settings = {
  records: 1000,
  reads: 1000,
  keyBytes: 16,
  valueBytes: 100,
  compressible: 0.5,
  writeBufferBytes: 2 ** 20,
  cacheBytes: 2 ** 20,
  durationMs: undefined,
  writeRate: 1000,
  file: undefined,
  keyFields: [],
};
