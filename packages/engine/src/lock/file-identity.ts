import type { BigIntStats } from 'node:fs';

/** Tells files apart whatever their names: `device:inode`. Inode numbers may be beyond 2^53. */
export function fileIdentity(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}
