import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { errnoOf, ioError } from '@arena-level/common/base/errors';
import { type Holder, MAX_HOLDER_BYTES, parseHolder } from './holder.ts';

const OPEN_HOLDER = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export interface FoundHolder {
  /** The holder's; of a damaged file something that stands for this file alone. */
  readonly nonce: string;
  /** Undefined for a damaged file. */
  readonly holder: Holder | undefined;
}

/** Undefined when there is no such file. */
export function readHolder(path: string): FoundHolder | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, OPEN_HOLDER);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw ioError('opening', basename(path), error);
  }
  try {
    const bytes = new Uint8Array(MAX_HOLDER_BYTES);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    const holder = parseHolder(new TextDecoder().decode(bytes.subarray(0, length)));
    const nonce = holder?.nonce ?? `damaged-${fstatSync(descriptor, { bigint: true }).ino}`;
    return { nonce, holder };
  } catch (error) {
    throw ioError('reading', basename(path), error);
  } finally {
    closeSync(descriptor);
  }
}
