/** Repairs stores in memory, and reads what they hold then. */
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { open, type RepairReport, repair } from 'arena-level/engine';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { SAMPLE_OPTIONS } from '../damage/sample-store.ts';
import { ManualClock } from '../support/manual-clock.ts';

export type Files = ReadonlyMap<string, Uint8Array>;

export interface Repaired {
  readonly report: RepairReport;
  readonly storage: MemoryStorage;
  /** What an open finds, by an iterator. */
  readonly contents: Map<string, string>;
}

/** Nothing that was there may be gone: each file is where it was, in `lost/`, or replaced by what says the same. */
export async function repairInMemory(files: Files): Promise<Repaired> {
  const storage = new MemoryStorage({ files });
  const report = await repair('memory', SAMPLE_OPTIONS, { storage, clock: new ManualClock() });
  expectNothingGone(files, storage);
  return { report, storage, contents: await contentsOf(storage) };
}

/** Opens, reads, verifies, closes. */
export async function contentsOf(storage: MemoryStorage): Promise<Map<string, string>> {
  const store = await open('memory', SAMPLE_OPTIONS, { storage, clock: new ManualClock() });
  try {
    const { differing } = await store.verify();
    if (differing.length > 0) throw new Error(`tables differ: ${JSON.stringify(differing)}`);
    return readContents(store);
  } finally {
    await store.close();
  }
}

export async function repairedText(files: Files): Promise<string> {
  return contentsText((await repairInMemory(files)).contents);
}

/** The bytes of every file are still there, under whatever name; CURRENT may be replaced. */
function expectNothingGone(files: Files, storage: MemoryStorage): void {
  const after = [...storage.snapshot().values()];
  for (const [name, contents] of files) {
    if (name === 'CURRENT') continue;
    if (!after.some((bytes) => Buffer.compare(bytes, contents) === 0)) throw new Error(`${name} is gone`);
  }
}

/** The files, but for those that `change` gives others, or undefined to take them away. */
export function changed(files: Files, change: Readonly<Record<string, Uint8Array | undefined>>): Files {
  const result = new Map(files);
  for (const [name, contents] of Object.entries(change)) {
    if (contents === undefined) result.delete(name);
    else result.set(name, contents);
  }
  return result;
}

/** With one byte changed. */
export function flipped(contents: Uint8Array, offset: number): Uint8Array {
  const result = contents.slice();
  result[offset]! ^= 0x5a;
  return result;
}
