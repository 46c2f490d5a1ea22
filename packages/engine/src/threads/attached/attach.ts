import { type MessagePort, threadId } from 'node:worker_threads';
import { systemClock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import { openStorage } from '@arena-level/common/storage/open-storage';
import { SharedBlockCache } from '../../cache/shared/shared-block-cache.ts';
import { LoopTurns } from '../../iterator/turns.ts';
import { checkCallOptions, type OptionKind, type OptionKinds } from '../../options/call-options.ts';
import { ControlBuffer } from '../control/control-buffer.ts';
import { SlotState } from '../control/control-layout.ts';
import {
  cacheParticipant,
  checkHandle,
  type ThreadHandle,
  type ThreadReadOptions,
} from '../control/handle.ts';
import type { ThreadMessage } from '../control/messages.ts';
import { ThreadSlot } from '../control/thread-slot.ts';
import { AttachedStore } from './attached-store.ts';
import { storeClosed } from './thread-views.ts';

export interface AttachOptions {
  /**
   * Bytes of this thread's own cache, for blocks that are too large for the one that threads share (`sharedCacheSize` of the
   * store): default 4 MiB. For all blocks where there is none, default 16 MiB, or where this is the larger of the two. By default
   * no more than what the store has for that.
   */
  readonly cacheSize?: number;
  /** Tables that this thread keeps open. From 1, default as the store. */
  readonly maxOpenFiles?: number;
}

const DEFAULT_CACHE_BYTES = 16 * MIB;
/** Before a shared cache. */
const DEFAULT_FIRST_CACHE_BYTES = 4 * MIB;

/**
 * The store behind a handle that `share()` gave in the thread that has it open. A handle is good for one call, in one other
 * thread, to which it was sent with its port: `worker.postMessage(handle, [handle.port])`.
 *
 * Throws ARENA_INVALID_ARGUMENT for what is no handle, or in the owner's own thread; LEVEL_NOT_SUPPORTED for a handle of another
 * version; ARENA_HANDLE_USED; LEVEL_DATABASE_NOT_OPEN when the store was closed meanwhile.
 */
export function attach(handle: ThreadHandle, options: AttachOptions = {}): AttachedStore {
  checkHandle(handle);
  const readOptions = readOptionsOf(options, handle);
  if (handle.owner === threadId) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      'a handle is for another thread: the one that owns the store uses the store itself',
    );
  }
  const control = new ControlBuffer(handle.control);
  const slot = new ThreadSlot(control.words, handle.slot);
  if (control.isClosed) throw storeClosed();
  const { port, location, flushedFrom, sharedCache } = handle;
  if (
    !isHere(port) ||
    slot.incarnation !== handle.incarnation ||
    !slot.change(SlotState.Handed, SlotState.Attached)
  ) {
    throw new EngineError(
      ErrorCode.HandleUsed,
      'the handle was used before, or its port was closed or sent on: share() makes one for each thread',
    );
  }
  slot.thread = threadId;
  const clock = systemClock;
  return new AttachedStore({
    control,
    slot,
    port,
    storage: openStorage(handle.storage),
    location,
    flushedFrom,
    sharedCache: sharedCache && new SharedBlockCache(sharedCache, cacheParticipant(handle.slot)),
    options: readOptions,
    clock,
    turns: new LoopTurns(clock),
  });
}

/**
 * Whether the port is this thread's. Node crashes when one is read that was sent on to another thread; such a port cannot post
 * either, and says so by what it returns.
 */
function isHere(port: MessagePort): boolean {
  const isPosted: unknown = port.postMessage({ kind: 'moved' } satisfies ThreadMessage);
  return isPosted !== undefined;
}

function atLeast(least: number): OptionKind {
  return {
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= least,
    wanted: `a whole number from ${least}`,
  };
}

export const ATTACH_OPTIONS: OptionKinds = { cacheSize: atLeast(0), maxOpenFiles: atLeast(1) };

function readOptionsOf(
  options: AttachOptions,
  { options: ofStore, sharedCache }: ThreadHandle,
): ThreadReadOptions {
  checkCallOptions('attach', options, ATTACH_OPTIONS);
  const cacheBytes = sharedCache === undefined ? DEFAULT_CACHE_BYTES : DEFAULT_FIRST_CACHE_BYTES;
  return {
    reads: ofStore.reads,
    cacheBytes: options.cacheSize ?? Math.min(cacheBytes, ofStore.cacheBytes),
    maxOpenFiles: options.maxOpenFiles ?? ofStore.maxOpenFiles,
  };
}
