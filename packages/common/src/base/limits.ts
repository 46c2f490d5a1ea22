/** Limits of the engine, in one place; each is checked where the data enters. Sizes are bytes. */

export const KIB = 1024;
export const MIB: number = 1024 * KIB;
export const GIB: number = 1024 * MIB;

/** Levels of a version, as in LevelDB; fixed by what LevelDB accepts in a manifest. */
export const LEVELS = 7;

/** Longest user key. LevelDB has no limit of its own; index blocks and manifests repeat keys, so ours is modest. */
export const MAX_KEY_BYTES: number = 1 * MIB;

/** Longest value. */
export const MAX_VALUE_BYTES: number = 512 * MIB;

/** Largest encoded batch: the arena it needs must stay addressable with Int32 offsets. */
export const MAX_BATCH_BYTES: number = 1 * GIB;

/** Largest kvData region of one arena. Offsets into it are Int32 words. */
export const MAX_ARENA_BYTES: number = 2 * GIB - 64 * KIB;

/** Largest cache of blocks that threads share: word indexes into it stay small integers. */
export const MAX_SHARED_CACHE_BYTES: number = 2 * GIB;

/** Largest sequence number: JavaScript numbers are exact up to here; LevelDB's format goes to 2^56 - 1. */
export const MAX_SEQUENCE: number = Number.MAX_SAFE_INTEGER;
