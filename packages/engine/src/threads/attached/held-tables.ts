import { type EngineError, errnoOf } from '@arena-level/common/base/errors';
import type { FileDesc } from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage } from '@arena-level/common/storage/storage';

/**
 * Tables that the owner keeps for this thread. One that is missing is damage, unless the owner has stopped keeping them;
 * then that is the error.
 */
export class HeldTables implements Pick<Storage, 'openRead' | 'openReadNow'> {
  readonly #storage: Storage;
  readonly #whyLost: () => EngineError | undefined;

  constructor(storage: Storage, whyLost: () => EngineError | undefined) {
    this.#storage = storage;
    this.#whyLost = whyLost;
  }

  openReadNow(file: FileDesc): ReadableFile {
    try {
      return this.#storage.openReadNow(file);
    } catch (error) {
      throw this.#named(error);
    }
  }

  async openRead(file: FileDesc): Promise<ReadableFile> {
    try {
      return await this.#storage.openRead(file);
    } catch (error) {
      throw this.#named(error);
    }
  }

  #named(error: unknown): unknown {
    return errnoOf(error) === 'ENOENT' ? (this.#whyLost() ?? error) : error;
  }
}
