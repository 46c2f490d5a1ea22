/** Lines on standard output that are out before anything else happens: also before the process is killed. */
import { writeSync } from 'node:fs';
import { errnoOf } from '@arena-level/common/base/errors';

const STANDARD_OUTPUT = 1;
/** To wait on, for a moment. */
const NOTHING = new Int32Array(new SharedArrayBuffer(4));

/** The pipe takes what fits, and the parent may be slow: the rest is written when there is room again. */
export function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(STANDARD_OUTPUT, bytes, written);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      Atomics.wait(NOTHING, 0, 0, 1);
    }
  }
}
