/**
 * Whether a holder still lives.
 *
 * A wrong "dead" lets two writers destroy a store; a wrong "alive" asks a person to look and to force. So a holder is
 * dead only where that is proven, and everything unclear is life.
 */
import { statSync } from 'node:fs';
import { errnoOf } from '@arena-level/common/base/errors';
import { fileIdentity } from './file-identity.ts';
import type { Holder } from './holder.ts';
import { type ProcessFacts, processState } from './this-process.ts';

export interface Verdict {
  /** `unseen`: it cannot be seen from here, but having the lock on LOCK would tell. */
  readonly state: 'dead' | 'alive' | 'unseen';
  /** What it rests on, for messages. */
  readonly because: string;
}

const dead = (because: string): Verdict => ({ state: 'dead', because });
const alive = (because: string): Verdict => ({ state: 'alive', because });

/** `lockFile` is the identity of the LOCK file if this thread has it locked. */
export function judgeHolder(holder: Holder, here: ProcessFacts, lockFile: string | undefined): Verdict {
  if (holder.boot !== undefined && holder.boot === here.boot)
    return judgeOnSameKernel(holder, here, lockFile);
  // Images of machines are copied with their ids, and copies may share a network folder; hence the host name too.
  const sameMachine = holder.machine === here.machine && holder.host === here.host;
  if (!sameMachine) return alive('it is on another machine and cannot be seen from here');
  if (holder.boot !== here.boot) return dead('the machine was started anew since');
  return judgeProcess(holder);
}

function judgeOnSameKernel(holder: Holder, here: ProcessFacts, lockFile: string | undefined): Verdict {
  if (holder.pidNamespace === here.pidNamespace) return judgeProcess(holder);
  // Containers do not see each other's processes, but the kernel's locks hold between them.
  if (holder.lockFile !== undefined && holder.lockFile === lockFile) return dead('its lock on LOCK is gone');
  const state = holder.lockFile !== undefined && lockFile === undefined ? 'unseen' : 'alive';
  return { state, because: 'it is in another container and cannot be seen from here' };
}

function judgeProcess(holder: Holder): Verdict {
  if (!processExists(holder.pid)) return dead('its process has ended');
  if (holder.startTime === undefined) return alive('its process is running');
  const state = processState(holder.pid);
  if (state === undefined) return alive('its process is running');
  if (state.ended) return dead('its process has ended');
  if (state.startTime !== holder.startTime) return dead('its process has ended, and another has its number');
  return holdsItsFile(holder) ? alive('its process is running') : dead('its thread has ended');
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

/** A thread's descriptors are closed when it ends, however it ends. False only where that is seen to have happened. */
function holdsItsFile(holder: Holder): boolean {
  try {
    return (
      fileIdentity(statSync(`/proc/${holder.pid}/fd/${holder.descriptor}`, { bigint: true })) ===
      holder.holderFile
    );
  } catch (error) {
    return errnoOf(error) !== 'ENOENT';
  }
}
