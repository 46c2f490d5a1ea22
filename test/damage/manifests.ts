import { runNow } from '@arena-level/common/base/steps';
import { journalFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { LogWriter } from '../../packages/engine/src/journal/log-writer.ts';
import {
  encodeVersionEdit,
  type NewTable,
  type VersionEdit,
} from '../../packages/engine/src/manifest/version-edit.ts';
import { readManifest } from '../../packages/engine/src/version/manifest-reader.ts';

/** `undefined`: the field is left out. */
export type EditChange = { readonly [K in keyof VersionEdit]?: VersionEdit[K] | undefined };

export interface ManifestContents {
  readonly logNumber: number;
  readonly tables: readonly NewTable[];
  /** A manifest of one record that states the same, but for what `change` states instead. */
  encode(change: EditChange): Uint8Array;
}

export function manifestOf(contents: Uint8Array): ManifestContents {
  const storage = new MemoryStorage({ files: new Map([['MANIFEST-000001', contents]]) });
  const { levels, ...numbers } = runNow(readManifest(storage, 1));
  const tables = levels.flatMap((list, level) => list.map((table) => ({ level, table })));
  const edit: VersionEdit = {
    comparator: 'leveldb.BytewiseComparator',
    logNumber: numbers.logNumber,
    nextFileNumber: numbers.nextFileNumber,
    lastSequence: numbers.lastSequence,
    newTables: tables,
  };
  return {
    logNumber: numbers.logNumber,
    tables,
    encode: (change) => logOf([encodeVersionEdit({ ...edit, ...change } as VersionEdit)]),
  };
}

/** A log file of these records. */
export function logOf(records: readonly Uint8Array[]): Uint8Array {
  const storage = new MemoryStorage();
  const writer = new LogWriter(storage.createNow(journalFile(1)));
  for (const record of records) writer.appendNow(record, 0, record.length);
  return storage.readAllNow(journalFile(1), Number.MAX_SAFE_INTEGER);
}
