import { createHash } from 'node:crypto';

const BLOCK: Buffer = Buffer.alloc(1024, 'w');
const CALIBRATION_MS = 200;

/** What a request costs beside the store: the same number of hashes, whatever the clock says meanwhile. */
export function work(hashes: number): void {
  for (let hash = 0; hash < hashes; hash++) createHash('sha256').update(BLOCK).digest();
}

/** How many hashes take so many microseconds on this machine when nothing else is going on. */
export function hashesFor(microseconds: number): number {
  work(1000);
  const startMs = performance.now();
  let hashes = 0;
  while (performance.now() - startMs < CALIBRATION_MS) {
    work(10);
    hashes += 10;
  }
  const usPerHash = ((performance.now() - startMs) * 1000) / hashes;
  return Math.round(microseconds / usPerHash);
}
