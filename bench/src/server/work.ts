import { createHash } from 'node:crypto';

const BLOCK: Buffer = Buffer.alloc(1024, 'w');
const SLICES = 50;
const SLICE_HASHES = 200;

/** What a request costs beside the store: the same number of hashes, whatever the clock says meanwhile. */
export function work(hashes: number): void {
  for (let hash = 0; hash < hashes; hash++) createHash('sha256').update(BLOCK).digest();
}

/**
 * How many hashes take so many microseconds on this machine. By the fastest of many slices: the others were disturbed,
 * or not compiled yet.
 */
export function hashesFor(microseconds: number): number {
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let slice = 0; slice < SLICES; slice++) {
    const startMs = performance.now();
    work(SLICE_HASHES);
    fastestMs = Math.min(fastestMs, performance.now() - startMs);
  }
  return Math.round((microseconds * SLICE_HASHES) / (fastestMs * 1000));
}
