import type { OpenOptions } from 'arena-level/engine';

/** Small arenas, tables and levels, so that rotations, flushes and compactions are always under way. */
export const INGEST_OPTIONS: OpenOptions = {
  writeBufferSize: 32 * 1024,
  flush: 'worker',
  maxFileSize: 16 * 1024,
  level1Size: 64 * 1024,
  levelSizeMultiplier: 2,
  maxManifestSize: 8 * 1024,
};
