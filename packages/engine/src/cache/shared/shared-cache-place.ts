import { EngineError } from '@arena-level/common/base/errors';
import { SharedBlockCache } from './shared-block-cache.ts';

/** What a shared cache is made of. */
export interface SharedCacheSizes {
  /** 0: there is none. */
  readonly sharedCacheBytes: number;
  /** About how large most blocks are. */
  readonly blockBytes: number;
}

/**
 * Where one thread has the shared cache of its store. The owner makes it when it has a block to keep, or a thread to share
 * it with: a store from whose tables nobody reads has none.
 */
export class SharedCachePlace {
  #cache: SharedBlockCache | undefined;
  #sizes: SharedCacheSizes | undefined;

  private constructor(cache: SharedBlockCache | undefined, sizes: SharedCacheSizes | undefined) {
    this.#cache = cache;
    this.#sizes = sizes;
  }

  /** The owner's. */
  static empty(sizes: SharedCacheSizes): SharedCachePlace {
    return new SharedCachePlace(undefined, sizes.sharedCacheBytes === 0 ? undefined : sizes);
  }

  /** Of a thread, to which the owner has given it, if there is one. */
  static holding(cache: SharedBlockCache | undefined): SharedCachePlace {
    return new SharedCachePlace(cache, undefined);
  }

  /** Nothing is shared. */
  static get none(): SharedCachePlace {
    return SharedCachePlace.holding(undefined);
  }

  /** Undefined: it was not made yet, or never will be. */
  get cache(): SharedBlockCache | undefined {
    return this.#cache;
  }

  /** The cache, made now if need be; undefined: the store has none. Throws ARENA_MEMORY_BUDGET. */
  made(): SharedBlockCache | undefined {
    if (this.#cache === undefined && this.#sizes !== undefined) {
      const { sharedCacheBytes, blockBytes } = this.#sizes;
      this.#cache = SharedBlockCache.create(sharedCacheBytes, blockBytes);
    }
    return this.#cache;
  }

  /** For who can do without: no read fails since there is no memory to keep what it read. */
  madeIfPossible(): SharedBlockCache | undefined {
    try {
      return this.made();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#sizes = undefined;
      return undefined;
    }
  }

  /** Lets go of it, for good. */
  clear(): void {
    this.#cache = undefined;
    this.#sizes = undefined;
  }
}
