/** The temporary files that a task writes: what becomes of them when it cannot be finished. */
import type { FileDesc } from '@arena-level/common/storage/file-desc';
import type { Storage, WritableFile } from '@arena-level/common/storage/storage';

/** A file whose close fails may not be whole: it is removed, and the failure thrown. */
export function closeOrDiscard(storage: Storage, file: WritableFile): void {
  try {
    file.closeNow();
  } catch (error) {
    removeQuietly(storage, file.file);
    throw error;
  }
}

/** Best effort: what stays behind is a temporary file, which the next open removes. */
export function discard(storage: Storage, file: WritableFile): void {
  closeQuietly(file);
  removeQuietly(storage, file.file);
}

/** Of what is given up: the failure that led here is the one to report. */
export function closeQuietly(file: { closeNow(): void }): void {
  try {
    file.closeNow();
  } catch {
    // As above.
  }
}

export function removeQuietly(storage: Storage, file: FileDesc): void {
  try {
    storage.removeNow(file);
  } catch {
    // As above.
  }
}
