/** What goes through the port of a handle. Reads send nothing and wait for nothing, but for `want`. */
import type { MessagePort } from 'node:worker_threads';
import type { RingMemory } from '@arena-level/common/rings/ring-memory';

/** From the owner. */
export type OwnerMessage =
  /** An arena that a list will name, by the number that lists give it. */
  | { readonly kind: 'arena'; readonly id: number; readonly shared: SharedArrayBuffer }
  /** The memory that the catalog is in from now on. */
  | { readonly kind: 'catalog'; readonly id: number; readonly shared: SharedArrayBuffer }
  /** The thread's way to write: posted once, before its handle leaves. */
  | ({ readonly kind: 'ring' } & ThreadRing)
  /** The thread's end of `StoreControl`: posted once, before its handle leaves. */
  | { readonly kind: 'control'; readonly port: MessagePort }
  /** Lists have changed: a thread that is not reading takes the new ones in its next turn, and answers `moved`. */
  | { readonly kind: 'move' };

export interface ThreadRing {
  readonly memory: RingMemory;
  readonly port: MessagePort;
  readonly maxPendingBytes: number;
}

/** From the thread. */
export type ThreadMessage =
  | { readonly kind: 'attached' }
  | { readonly kind: 'moved' }
  /** A list names an arena that did not come: the port was full. The thread is waiting for it. */
  | { readonly kind: 'want' };
