import { corruption, EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { Storage } from '@arena-level/common/storage/storage';
import type { ResolvedOptions } from '../options/options.ts';

/** Throws unless what is in the directory may be opened, or created, as asked. Nothing has been changed yet. */
export function checkContents(
  storage: Storage,
  options: Pick<ResolvedOptions, 'createIfMissing' | 'errorIfExists'>,
): void {
  const files = storage.listNow();
  if (files.some((file) => file.type === 'current')) {
    if (options.errorIfExists) {
      throw new EngineError(ErrorCode.StoreExists, `a store exists in ${storage.location} already`);
    }
    return;
  }
  // A crash while a store was being created leaves at most its first manifest.
  const leftover = files.find((file) => file.type === 'table' || file.type === 'journal');
  if (leftover !== undefined) {
    throw corruption(
      `it is missing in ${storage.location}, and there are tables or journals: this was a store; repair it, do not start afresh`,
      'CURRENT',
    );
  }
  if (!options.createIfMissing) throw missingStore(storage.location);
}

export function missingStore(location: string): EngineError {
  return new EngineError(
    ErrorCode.StoreMissing,
    `the store in ${location} does not exist (see option 'createIfMissing')`,
  );
}
