/** CURRENT: the name of the manifest in force, and a newline. */
import { corruption } from '@arena-level/common/base/errors';
import { type Steps, wait } from '@arena-level/common/base/steps';
import { CURRENT_FILE, fileName, manifestFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { requireWholeWrite } from '../journal/whole-write.ts';
import { bestEffort } from './best-effort.ts';

const MAX_CURRENT_BYTES = 64;
const CURRENT_PATTERN = /^MANIFEST-(\d+)\n$/;

/** The number of the manifest in force, or undefined when there is no CURRENT. */
export function readCurrentNow(storage: Storage): number | undefined {
  const name = fileName(CURRENT_FILE);
  const size = storage.sizeNow(CURRENT_FILE);
  if (size === undefined) return undefined;
  if (size > MAX_CURRENT_BYTES) throw corruption(`${size} bytes are too many for a manifest name`, name);
  const content = new TextDecoder().decode(storage.readAllNow(CURRENT_FILE, MAX_CURRENT_BYTES));
  const number = Number(CURRENT_PATTERN.exec(content)?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(number) || content !== currentContent(number)) {
    throw corruption(`${JSON.stringify(content)} does not name a manifest`, name);
  }
  return number;
}

/** Writes the next CURRENT under a temporary name, and syncs it. The file is removed when that fails. */
export function* writeCurrentTemp(storage: Storage, manifestNumber: number, tempNumber: number): Steps<void> {
  const content = new TextEncoder().encode(currentContent(manifestNumber));
  const desc = tempFile(tempNumber);
  const file = storage.createNow(desc);
  try {
    requireWholeWrite(file.writeNow(content, 0, content.length, 0), content.length, desc);
    yield* wait(
      () => file.syncNow(),
      () => file.sync(),
    );
    file.closeNow();
  } catch (error) {
    bestEffort(() => file.closeNow());
    bestEffort(() => storage.removeNow(desc));
    throw error;
  }
}

/** Puts the file written by `writeCurrentTemp` in force. When this fails, either CURRENT may be found after a crash. */
export function* switchCurrent(storage: Storage, tempNumber: number): Steps<void> {
  storage.renameNow(tempFile(tempNumber), CURRENT_FILE);
  yield* wait(
    () => storage.syncDirectoryNow(),
    () => storage.syncDirectory(),
  );
}

function currentContent(manifestNumber: number): string {
  return `${fileName(manifestFile(manifestNumber))}\n`;
}
