/** Small stores in memory, closed, whose every byte can be damaged in turn. */
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { type OpenOptions, open } from 'arena-level/engine';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes } from '../support/text-bytes.ts';

export const SAMPLE_OPTIONS: OpenOptions = {
  flush: 'inline',
  writeBufferSize: 8192,
  blockSize: 256,
  blockRestartInterval: 4,
};

export type Contents = ReadonlyMap<string, string>;

export interface SampleStore {
  /** Files by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Contents after so many records of the journal: [0] is what the tables hold, the last one is all. */
  readonly states: readonly Contents[];
}

/** Two tables of several blocks each, with shadowed and deleted keys, and a journal of several records. */
export async function sampleStore(compression: 'none' | 'snappy'): Promise<SampleStore> {
  const storage = new MemoryStorage();
  const store = await open(
    storage.location,
    { ...SAMPLE_OPTIONS, compression },
    { storage, clock: new ManualClock() },
  );
  const contents = new Map<string, string>();
  const put = async (n: number, generation: string): Promise<void> => {
    const key = `key-${String(n).padStart(2, '0')}`;
    const value = `${generation} ${n} `.padEnd(40 + (n % 5), '-');
    contents.set(key, value);
    await store.put(bytes(key), bytes(value));
  };
  const del = async (n: number): Promise<void> => {
    const key = `key-${String(n).padStart(2, '0')}`;
    contents.delete(key);
    await store.del(bytes(key));
  };
  for (let n = 0; n < 20; n++) await put(n, 'first');
  await store.flush();
  for (let n = 1; n < 26; n += 2) await put(n, 'second');
  await del(4);
  await del(7);
  await store.flush();
  const states: Contents[] = [new Map(contents)];
  for (const n of [2, 3, 30, 5]) {
    await put(n, 'third');
    states.push(new Map(contents));
  }
  await del(11);
  states.push(new Map(contents));
  await store.close();
  return { files: storage.snapshot(), states };
}

/** Where each record of a small log begins, and the end of the last one. */
export function recordOffsets(log: Uint8Array): number[] {
  const offsets = [0];
  for (let at = 0; at < log.length; offsets.push(at)) at += 7 + log[at + 4]! + 256 * log[at + 5]!;
  return offsets;
}

export function fileLike(files: ReadonlyMap<string, Uint8Array>, pattern: RegExp): string[] {
  return [...files.keys()].filter((name) => pattern.test(name)).sort();
}
