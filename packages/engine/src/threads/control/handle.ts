import { MessagePort } from 'node:worker_threads';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { layoutOf } from '../../cache/shared/cache-layout.ts';
import { nameOf, type OptionKind } from '../../options/call-options.ts';
import type { ResolvedOptions } from '../../options/options.ts';
import { checkControl, otherVersion } from './control-buffer.ts';
import { CONTROL_VERSION, MAX_THREADS } from './control-layout.ts';

/** What a thread needs to know of the options of the store. */
export type ThreadReadOptions = Pick<ResolvedOptions, 'cacheBytes' | 'maxOpenFiles' | 'reads'>;

const KIND = 'arena-level-thread';

/**
 * One thread's way into a store that another thread has open. Plain data but for the port, which is transferred:
 * `worker.postMessage(handle, [handle.port])`, or `workerData` with `transferList`. Good for one `attach`.
 */
export interface ThreadHandle {
  readonly kind: typeof KIND;
  readonly version: number;
  readonly control: SharedArrayBuffer;
  /** Memory of the cache of blocks that the threads share; undefined: there is none. */
  readonly sharedCache: SharedArrayBuffer | undefined;
  readonly slot: number;
  readonly incarnation: number;
  readonly port: MessagePort;
  readonly storage: StorageSpec;
  readonly location: string;
  /** `threadId` of the thread that owns the store. */
  readonly owner: number;
  /** See `LookupParts.flushedFrom`. */
  readonly flushedFrom: number;
  /** @internal */
  readonly options: ThreadReadOptions;
}

const isNumber = (value: unknown): boolean => Number.isSafeInteger(value);
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** Everything of a handle that does not say itself what it is. */
const PARTS = {
  port: { fits: (value) => value instanceof MessagePort, wanted: 'the port that was transferred with it' },
  slot: {
    fits: (value) => isNumber(value) && (value as number) >= 0 && (value as number) < MAX_THREADS,
    wanted: `a whole number from 0 to ${MAX_THREADS - 1}`,
  },
  incarnation: { fits: isNumber, wanted: 'a whole number' },
  owner: { fits: isNumber, wanted: 'the threadId of the owner' },
  flushedFrom: { fits: isNumber, wanted: 'a file number' },
  location: { fits: (value) => typeof value === 'string', wanted: 'the directory of the store' },
  storage: { fits: isObject, wanted: 'an object' },
  options: { fits: isObject, wanted: 'an object' },
} satisfies { readonly [Part in keyof ThreadHandle]?: OptionKind };

export function makeHandle(parts: Omit<ThreadHandle, 'kind' | 'version'>): ThreadHandle {
  return { kind: KIND, version: CONTROL_VERSION, ...parts };
}

/** Throws ARENA_INVALID_ARGUMENT for what is no handle, LEVEL_NOT_SUPPORTED for one of another version. */
export function checkHandle(handle: ThreadHandle): void {
  if (typeof handle !== 'object' || handle === null || handle.kind !== KIND) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `attach takes a handle that share() gave, not ${nameOf(handle)}`,
    );
  }
  if (handle.version !== CONTROL_VERSION) throw otherVersion(handle.version);
  checkControl(handle.control);
  if (handle.sharedCache !== undefined) layoutOf(handle.sharedCache);
  for (const [part, { fits, wanted }] of Object.entries(PARTS)) {
    const value: unknown = handle[part as keyof typeof PARTS];
    if (fits(value)) continue;
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `'${part}' of the handle must be ${wanted}, not ${nameOf(value)}: attach takes the handle as share() gave it`,
    );
  }
}

/** The number under which the thread of a slot uses the shared cache: the owner has the first one. */
export function cacheParticipant(slot: number): number {
  return slot + 1;
}
