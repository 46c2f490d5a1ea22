import { join } from 'node:path';
import { ArenaLevel, type DatabaseOptions } from 'arena-level';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** An open database in a directory of its own, closed when the test has ended. */
export async function openLevel<K = string, V = string>(
  options: DatabaseOptions<K, V> = {},
  location = join(temporaryDirectory(), 'db'),
): Promise<ArenaLevel<K, V>> {
  const db = new ArenaLevel<K, V>(location, { flush: 'inline', ...options });
  onTestFinished(() => db.close());
  await db.open();
  return db;
}
