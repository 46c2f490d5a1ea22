/** Opening and closing of the store of a command, and what goes wrong there, in one line. */
import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import type { Store } from '../db/store.ts';
import type { OpenOptions } from '../options/options.ts';
import { CommandError, describeError } from './errors.ts';

/** Reads a store beside whoever has it open: takes no lock, changes nothing. */
export async function readStore<T>(location: string, use: (store: Store) => Promise<T>): Promise<T> {
  return await withStore(location, { readOnly: true }, use);
}

/** Needs the lock. Creates no store unless `options` say so. */
export async function writeStore<T>(
  location: string,
  options: OpenOptions,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  return await withStore(location, { createIfMissing: false, ...options }, use);
}

async function withStore<T>(
  location: string,
  options: OpenOptions,
  use: (store: Store) => Promise<T>,
): Promise<T> {
  // Loaded here, so that help and usage errors do not wait for the engine.
  const { open } = await import('../db/open-store.ts');
  const store = await open(location, options).catch((error: unknown) => {
    throw storeError(location, error);
  });
  let result: T;
  try {
    result = await use(store);
  } catch (error) {
    await store.close().catch(() => {
      // What was first is what is told.
    });
    throw storeError(location, error);
  }
  await store.close();
  return result;
}

/** What an open or a read met, for people who have a shell and not the options of `open`: where to go from here. */
export function storeError(location: string, error: unknown): unknown {
  if (hasCode(error, ErrorCode.StoreMissing)) return noStoreIn(location);
  if (!hasCode(error, ErrorCode.Corruption)) return error;
  return new CommandError(`${describeError(error)}; 'arena-level doctor ${location}' says what to do`);
}

export function noStoreIn(location: string): CommandError {
  return new CommandError(`there is no store in ${location}`);
}
