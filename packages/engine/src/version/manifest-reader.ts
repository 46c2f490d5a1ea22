/** Reads a manifest: the edits of a store's whole history, folded into what it holds now. */
import { corruption, EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { LEVELS } from '@arena-level/common/base/limits';
import { type Steps, wait } from '@arena-level/common/base/steps';
import { fileName, manifestFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { readLog } from '../journal/log-reader.ts';
import { decodeVersionEdit, type VersionEdit } from '../manifest/version-edit.ts';
import { EMPTY_LEVELS, type Levels } from './version.ts';
import { VersionBuilder } from './version-builder.ts';

/** Keys in plain byte order: the only comparator there is here. Its name is in every manifest. */
export const COMPARATOR_NAME = 'leveldb.BytewiseComparator';

export interface ManifestState {
  readonly number: number;
  readonly levels: Levels;
  /** Journals from this number on are not wholly in tables. */
  readonly logNumber: number;
  /** Another journal of that kind, by LevelDB versions of long ago; otherwise 0. */
  readonly prevLogNumber: number;
  readonly nextFileNumber: number;
  readonly lastSequence: number;
  /** By level: the internal key up to which it was compacted. */
  readonly compactPointers: readonly (Uint8Array | undefined)[];
  /** End of the last whole record. */
  readonly sizeBytes: number;
  /** The last record is torn, and ignored: nothing may be appended behind it. */
  readonly torn: boolean;
}

type Fields = { -readonly [K in keyof VersionEdit]: VersionEdit[K] };

export function* readManifest(storage: Storage, number: number): Steps<ManifestState> {
  const desc = manifestFile(number);
  const name = fileName(desc);
  if (storage.sizeNow(desc) === undefined)
    throw corruption('CURRENT names this manifest, and it is missing', name);
  const file = yield* wait(
    () => storage.openReadNow(desc),
    () => storage.openRead(desc),
  );
  let recordOffset = 0;
  const builder = new VersionBuilder(EMPTY_LEVELS, (reason) => corruption(reason, name, recordOffset));
  const compactPointers: (Uint8Array | undefined)[] = new Array(LEVELS).fill(undefined);
  const fields: Fields = {};
  try {
    const end = yield* readLog(
      file,
      (bytes, start, recordEnd, offset) => {
        recordOffset = offset;
        const edit = decodeVersionEdit(bytes, start, recordEnd, name, offset);
        builder.apply(edit);
        for (const { level, key } of edit.compactPointers ?? []) compactPointers[level] = key;
        takeNumbers(fields, edit, name, offset);
      },
      { everyRecordSynced: true },
    );
    if (end.kind === 'damage') throw corruption(end.reason, name, end.offset);
    return {
      number,
      levels: builder.build(),
      ...requireNumbers(fields, name),
      compactPointers,
      sizeBytes: end.goodEnd,
      torn: end.kind === 'tear',
    };
  } finally {
    file.closeNow();
  }
}

function takeNumbers(fields: Fields, edit: VersionEdit, name: string, offset: number): void {
  const { comparator, logNumber, prevLogNumber, nextFileNumber, lastSequence } = edit;
  if (comparator !== undefined) {
    if (comparator !== COMPARATOR_NAME) {
      throw new EngineError(
        ErrorCode.NotSupported,
        `${name}: the store is ordered by comparator ${comparator}`,
        {
          file: name,
          offset,
        },
      );
    }
    fields.comparator = comparator;
  }
  if (logNumber !== undefined) fields.logNumber = logNumber;
  if (prevLogNumber !== undefined) fields.prevLogNumber = prevLogNumber;
  if (nextFileNumber !== undefined) fields.nextFileNumber = nextFileNumber;
  if (lastSequence !== undefined) fields.lastSequence = lastSequence;
}

function requireNumbers(
  fields: Fields,
  name: string,
): Pick<ManifestState, 'logNumber' | 'prevLogNumber' | 'nextFileNumber' | 'lastSequence'> {
  const { comparator, logNumber, prevLogNumber = 0, nextFileNumber, lastSequence } = fields;
  if (comparator === undefined) throw corruption('no record names the comparator', name);
  if (logNumber === undefined) throw corruption('no record states the journal number', name);
  if (nextFileNumber === undefined) throw corruption('no record states the next file number', name);
  if (lastSequence === undefined) throw corruption('no record states the last sequence number', name);
  return { logNumber, prevLogNumber, nextFileNumber, lastSequence };
}
