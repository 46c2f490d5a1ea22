import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { fileName, HOLDER_FILE, LOCK_FILE } from '@arena-level/common/storage/file-desc';
import { describeHolder, type Holder } from './holder.ts';
import type { Verdict } from './holder-verdict.ts';
import type { ProcessFacts } from './this-process.ts';

const HOLDER_NAME = fileName(HOLDER_FILE);
/** For those who call `open`, and for those who only have a shell. */
const FORCE = `open with { forceLock: true }, or remove ${HOLDER_NAME}`;

export function heldBy(directory: string, holder: Holder, verdict: Verdict, here: ProcessFacts): EngineError {
  return locked(
    `${directory} is open in ${describeHolder(holder, here)}: ${verdict.because}. ` +
      `If you know that it has ended, ${FORCE}`,
    HOLDER_NAME,
  );
}

export function holderDamaged(directory: string): EngineError {
  return locked(
    `${directory} may be open: its ${HOLDER_NAME} is damaged and does not say by whom. ` +
      `If you know that nobody has it open, ${FORCE}`,
    HOLDER_NAME,
  );
}

/** `owner` is what is known about who has the kernel's lock. Force does not help against a lock that is held. */
export function heldByKernel(directory: string, owner: string): EngineError {
  return locked(`${directory} is open in ${owner}, which has its LOCK file locked`, fileName(LOCK_FILE));
}

export function heldInMemory(location: string): EngineError {
  return locked(`${location} is open already`, HOLDER_NAME);
}

function locked(message: string, file: string): EngineError {
  return new EngineError(ErrorCode.Locked, message, { file });
}
