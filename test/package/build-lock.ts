/** Lets one process at a time write the compiled output of this checkout. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { errnoOf } from '@arena-level/common/base/errors';

const WAIT_MS = 50;

/** Waits until nobody else has the lock, and has it while `work` runs. The lock of a process that is gone counts not. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!isTaken(path)) {
    if (isLeft(path)) rmSync(path, { force: true });
    else await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** True when it is ours now. */
function isTaken(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function isLeft(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    // Empty for the moment in which its owner writes it.
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}
