import type { OpenOptions } from 'arena-level/engine';

/** Small arenas, so that rotations and flushes are always under way. */
export const INGEST_OPTIONS: OpenOptions = { writeBufferSize: 32 * 1024, flush: 'worker' };
