/** Stores with journals that a test makes record by record. */
import { runNow } from '@arena-level/common/base/steps';
import { journalFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { type OpenOptions, open, type Store } from 'arena-level/engine';
import { LogWriter } from '../../packages/engine/src/journal/log-writer.ts';
import { readCurrentNow } from '../../packages/engine/src/manifest/current-file.ts';
import { readManifest } from '../../packages/engine/src/version/manifest-reader.ts';
import { WriteGroup } from '../../packages/engine/src/write/write-group.ts';
import { readContents } from '../crash/store-contents.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes } from '../support/text-bytes.ts';

export const OPTIONS: OpenOptions = { flush: 'inline', writeBufferSize: 8192, blockSize: 512 };

/** One record: puts of these values under their own names, from a sequence number on. None: an opening record. */
export interface RecordSpec {
  readonly sequence: number;
  readonly puts: readonly string[];
}

export function journalOf(records: readonly RecordSpec[]): Uint8Array {
  const storage = new MemoryStorage();
  const writer = new LogWriter(storage.createNow(journalFile(1)));
  for (const { sequence, puts } of records) {
    const group = new WriteGroup();
    for (const name of puts) group.addPut(bytes(name), bytes(`value of ${name}`));
    group.seal(sequence);
    writer.appendNow(group.bytes, 0, group.end);
  }
  return storage.readAllNow(journalFile(1), Number.MAX_SAFE_INTEGER);
}

export const journalName = (number: number): string => `${String(number).padStart(6, '0')}.log`;

/** A closed store that holds `base`, in a table. */
export interface BaseStore {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Number of its journal, which is empty. */
  readonly journal: number;
  readonly lastSequence: number;
}

export async function baseStore(): Promise<BaseStore> {
  const storage = new MemoryStorage();
  const store = await open(storage.location, OPTIONS, { storage, clock: new ManualClock() });
  await store.put(bytes('base'), bytes('value of base'));
  await store.flush();
  await store.close();
  await reopen(storage).then((again) => again.close());
  const { logNumber, lastSequence } = runNow(readManifest(storage, readCurrentNow(storage)!));
  return { files: storage.snapshot(), journal: logNumber, lastSequence };
}

export function withJournals(
  base: BaseStore,
  journals: readonly (readonly [number: number, contents: Uint8Array])[],
): MemoryStorage {
  const replaced = journals.map(([number, contents]) => [journalName(number), contents] as const);
  return new MemoryStorage({ files: new Map([...base.files, ...replaced]) });
}

export function reopen(storage: MemoryStorage, options: OpenOptions = {}): Promise<Store> {
  return open(storage.location, { ...OPTIONS, ...options }, { storage, clock: new ManualClock() });
}

/** Names of what is there, without the base. */
export function namesIn(store: Store): string[] {
  return [...readContents(store).keys()].filter((name) => name !== 'base');
}
