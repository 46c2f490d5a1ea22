/** A store on this thread alone into which sources are ingested, and what both paths have to make of a source. */

import type { WorkerRequest } from '@arena-level/common/protocol/flush-protocol';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { IngestOptions, OpenOptions, Store } from 'arena-level/engine';
import { readContents } from '../crash/store-contents.ts';
import { openReachable, sameThreadPool } from './same-thread-pool.ts';

export const PAIRS: URL = new URL('./parsers/pairs.mjs', import.meta.url);

export const TINY: OpenOptions = {
  flush: 'inline',
  compression: 'none',
  writeBufferSize: 4096,
  blockSize: 512,
  maxFileSize: 4096,
  autoCompaction: false,
};

/** Small pieces: a few hundred lines make many runs. */
export const SMALL: IngestOptions = { parse: PAIRS, threads: 2, pieceBytes: 1000, batchBytes: 700 };

export interface IngestStore {
  readonly store: Store;
  readonly memory: MemoryStorage;
}

export async function openForIngest(
  options: OpenOptions = TINY,
  before?: (request: WorkerRequest) => Promise<void> | void,
): Promise<IngestStore> {
  const memory = new MemoryStorage();
  const store = await openReachable(memory, options, { pool: sameThreadPool(memory, before) });
  return { store, memory };
}

/** Lines of `count` entries over `keys` keys from `from` on, not in their order, with duplicates when there are fewer keys. */
export function lines(count: number, keys: number = count, from = 'm'): string[] {
  return Array.from({ length: count }, (_, at) => {
    const number = (at * 7919) % keys;
    return `${from}${String(number).padStart(6, '0')}=value ${at} ${'.'.repeat(at % 40)}`;
  });
}

export function source(given: readonly string[]): string[] {
  return given.map((line) => `${line}\n`);
}

/** What a store has when it holds these lines alone. */
export function expected(given: readonly string[]): Map<string, string> {
  const entries = new Map<string, string>();
  for (const line of given) {
    const at = line.indexOf('=');
    entries.set(line.slice(0, at), line.slice(at + 1));
  }
  return new Map([...entries].sort(([left], [right]) => (left < right ? -1 : 1)));
}

export function contentsOf(store: Store): Map<string, string> {
  return readContents(store);
}

/** Names of files of one kind. */
export function filesOf(memory: MemoryStorage, extension: string): string[] {
  return memory.fileNames().filter((name) => name.endsWith(extension));
}
