/**
 * Every number of the control buffer: the memory that a store shares with the threads that are attached to it. No other
 * file has a literal word index. Int32 words, all read and written with Atomics:
 *
 *     │  0 magic              16 epoch              32 catalog: number of its buffer   48 drop horizon, a cell  │
 *     │  1 layout version                           33 catalog: rewrites              (version, low, high)      │
 *     │  2 number of slots                          34 catalog: bytes                                           │
 *     ├─────────────────────────────────────────────────────────────────────────────────────────────────────────┤
 *     │ 64.. one slot of 64 words per thread:                                                                   │
 *     │  0 state              2 epoch seen           8 snapshots open              32..63 pins: epochs that     │
 *     │  1 incarnation        3 floor                9 oldest snapshot, a cell            iterators hold        │
 *     │  4 heartbeat          5 messages taken      12..31 reserved, for the                                    │
 *     │  6 signal             7 thread                     writing side                                         │
 *     └─────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * Owner writes: words before the slots, but that threads add nothing to `rewrites`, as a fence; of a slot, incarnation and
 * signal, and everything while its state is Free.
 * Thread writes: the rest of its slot. State: see `SlotState`.
 */

/** 'ATHR' in memory. */
export const CONTROL_MAGIC = 0x52485441;
/** Grows with every change of the layout, the catalog, the handle or the messages; a thread that runs other code is refused. */
export const CONTROL_VERSION = 2;
/** Threads that may be attached to one store at a time, handles that were not used yet included. */
export const MAX_THREADS = 64;

export const ControlWord = {
  Magic: 0,
  Version: 1,
  Slots: 2,
  Epoch: 16,
  CatalogBuffer: 32,
  CatalogRewrites: 33,
  CatalogBytes: 34,
  Horizon: 48,
} as const;

export const FIRST_SLOT_WORD = 64;
export const SLOT_WORDS = 64;
export const CONTROL_WORDS: number = FIRST_SLOT_WORD + MAX_THREADS * SLOT_WORDS;

/** Words of a slot, from its first. */
export const SlotWord = {
  State: 0,
  Incarnation: 1,
  Seen: 2,
  Floor: 3,
  Heartbeat: 4,
  Taken: 5,
  Signal: 6,
  Thread: 7,
  Snapshots: 8,
  OldestSnapshot: 9,
  Pins: 32,
} as const;
export const PINS = 32;

/**
 * Free ──► Handed ──► Attached ──► Closed ──► Free
 *                     │  ▲
 *                     ▼  │ the thread noticed, and has let go of everything
 *                    Revoked
 *
 * The owner hands out, revokes and frees; the thread attaches, comes back and closes. A port that closes frees from any state.
 */
export const SlotState = { Free: 0, Handed: 1, Attached: 2, Revoked: 3, Closed: 4 } as const;
export type SlotState = (typeof SlotState)[keyof typeof SlotState];

/** No epoch: the thread holds no view. The first epoch is 1. */
export const NO_EPOCH = 0;
/** In the word `epoch`: the store is closed. */
export const EPOCH_CLOSED = -1;
