import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenOptions, open, type Store } from 'arena-level/engine';
import { onTestFinished } from 'vitest';
import { nextTurn } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, key } from '../support/text-bytes.ts';

/** A store with the smallest arenas there are; closed with the test. */
export async function openStore(options: OpenOptions = {}): Promise<Store> {
  const store = await open(temporaryDirectory(), { writeBufferSize: 4096, ...options });
  onTestFinished(() => store.close());
  return store;
}

export function put(store: Store, name: string, value: string): void {
  store.putSync(bytes(name), bytes(value));
}

/** Overwrites the same 20 keys, with one rotation per round. */
export async function overwrite(store: Store, rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    for (let i = 0; i < 20; i++) await store.put(key(i), bytes(`round ${round}`));
    await store.rotateMemtable();
  }
}

/** Paths of the tables that the current version has. */
export function tableFiles(store: Store): string[] {
  const lines = store.getProperty('leveldb.sstables')!.split('\n');
  const numbers = lines.flatMap((line) => /^ (\d+):/.exec(line)?.[1] ?? []);
  return numbers.map((number) => join(store.location, `${number.padStart(6, '0')}.ldb`));
}

export function areThere(files: readonly string[]): boolean {
  return files.every((file) => existsSync(file));
}

/** Resolves with the details of the next event of this name. */
export function nextEvent<N extends Parameters<Store['on']>[0]>(
  store: Store,
  name: N,
): Promise<Parameters<Parameters<typeof store.on<N>>[1]>[0]> {
  return new Promise((resolve) => {
    const listener = (details: Parameters<Parameters<typeof store.on<N>>[1]>[0]): void => {
      store.off(name, listener);
      resolve(details);
    };
    store.on(name, listener);
  });
}

/** Resolves when `condition` holds. Other threads may be needed for that, so there is no bound but that of the test. */
export async function whenever(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}
