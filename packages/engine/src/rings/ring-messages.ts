/**
 * What a thread and the owner tell each other by message: what is rare, or too large for the ring. Everything else
 * goes through shared memory.
 */
import type { WireError } from '@arena-level/common/protocol/wire-error';

/** To the owner. */
export type RingRequest =
  /** There are frames, and the owner sleeps. */
  | { readonly kind: 'wake' }
  /** The records of the frame with this ticket. Posted before the frame is published. */
  | { readonly kind: 'apart'; readonly ticket: number; readonly records: SharedArrayBuffer }
  /** Nothing is meant by it; whether it can be posted tells whether somebody is there. */
  | { readonly kind: 'probe' };

/** To the thread. */
export type RingAnswer =
  /** Look at the counters again. */
  | { readonly kind: 'progress' }
  /** These writes failed: they were not written, or (`durable`) are not on the disk for certain. */
  | {
      readonly kind: 'failed';
      readonly lane: 'written' | 'durable';
      readonly first: number;
      readonly last: number;
      readonly error: WireError;
    }
  /** No new write is taken, and why. */
  | { readonly kind: 'closing'; readonly error: WireError };
