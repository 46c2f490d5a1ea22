/** Who has a store open, for those who only look: takes no lock, and does not open LOCK (see kernel-lock.ts). */
import { join } from 'node:path';
import { fileName, HOLDER_FILE, LOCK_FILE } from '@arena-level/common/storage/file-desc';
import { describeHolder } from './holder.ts';
import { readHolder } from './holder-file.ts';
import { judgeHolder } from './holder-verdict.ts';
import { kernelLockOwner } from './proc-locks.ts';
import { thisProcess } from './this-process.ts';

/** In words; undefined when nobody is known to. LevelDB is seen on Linux only. */
export function lookAtHolder(directory: string): string | undefined {
  const holderName = fileName(HOLDER_FILE);
  const found = readHolder(join(directory, holderName));
  if (found !== undefined && found.holder === undefined) {
    return `somebody, perhaps: ${holderName} is damaged and does not say who`;
  }
  if (found?.holder !== undefined) {
    const here = thisProcess();
    if (judgeHolder(found.holder, here, undefined).state !== 'dead')
      return describeHolder(found.holder, here);
  }
  return kernelLockOwner(join(directory, fileName(LOCK_FILE)));
}
