import { type EngineError, errnoOf } from '@arena-level/common/base/errors';
import type { FileDesc } from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage } from '@arena-level/common/storage/storage';

/**
 * Tables that the owner keeps for this thread. One that is missing is damage, unless the owner has stopped keeping them;
 * then that is the error.
 */
export class HeldTables implements Pick<Storage, 'openRead' | 'openReadNow'> {
  readonly #storage: Storage;
  readonly #whyLost: (table: number) => EngineError | undefined;

  constructor(storage: Storage, whyLost: (table: number) => EngineError | undefined) {
    this.#storage = storage;
    this.#whyLost = whyLost;
  }

  openReadNow(file: FileDesc): ReadableFile {
    try {
      return this.#storage.openReadNow(file);
    } catch (error) {
      throw this.#named(error, file);
    }
  }

  async openRead(file: FileDesc): Promise<ReadableFile> {
    try {
      return await this.#storage.openRead(file);
    } catch (error) {
      throw this.#named(error, file);
    }
  }

  #named(error: unknown, { number }: FileDesc): unknown {
    return errnoOf(error) === 'ENOENT' ? (this.#whyLost(number) ?? error) : error;
  }
}
