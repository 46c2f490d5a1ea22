/**
 * Writes a version of a store as a store of its own into an empty directory. In this order, ● being a sync:
 *
 *     tables linked, or copied ● each → MANIFEST ● → arena.roots ● renamed ● dir → CURRENT ● rename ● dir
 *
 * CURRENT comes last: a crash before leaves tables without it, which an open refuses, or no store at all. The names of
 * tables and manifest are durable with the directory sync of `arena.roots`, before CURRENT bears its name.
 *
 * There is no journal: the manifest names number 0, as that of a new store does, and whoever opens it begins one.
 */
import { corruption } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import { runLater } from '@arena-level/common/base/steps';
import {
  CURRENT_FILE,
  FileType,
  fileName,
  manifestFile,
  tableFile,
} from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage, WritableFile } from '@arena-level/common/storage/storage';
import { totalSize } from '../compaction/level-scores.ts';
import { requireWholeWrite } from '../journal/whole-write.ts';
import { bestEffort } from '../manifest/best-effort.ts';
import { switchCurrent, writeCurrentTemp } from '../manifest/current-file.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { type CompactPointer, encodeVersionEdit } from '../manifest/version-edit.ts';
import type { CheckpointProgress } from '../public/public-types.ts';
import { type RootsContents, RootsFile } from '../roots/roots-file.ts';
import { COMPARATOR_NAME } from '../version/manifest-reader.ts';
import type { Levels } from '../version/version.ts';

/** A version that is held, and what its store knows about it. */
export interface CheckpointSource {
  readonly storage: Storage;
  readonly levels: Levels;
  readonly lastSequence: number;
  /** Above the numbers of all its tables. */
  readonly nextFileNumber: number;
  readonly compactPointers: readonly CompactPointer[];
  readonly masterRoot: Uint8Array;
  /** Of each table of the version. */
  readonly tableRoot: (table: number) => Uint8Array;
}

export interface CheckpointWriteOptions {
  /** Link tables where that is possible. */
  readonly link: boolean;
  /** Throws when the checkpoint is to be given up. */
  readonly checkWanted: () => void;
  readonly onProgress: ((progress: CheckpointProgress) => void) | undefined;
}

/** What became of the tables. */
export interface WrittenTables {
  readonly linked: number;
  readonly copied: number;
  readonly bytes: number;
}

const COPY_BYTES = MIB;

const NO_ROOTS: Omit<RootsContents, 'tableRoots'> = { last: undefined, goodEnd: 0, report: undefined };

/** REQUIRES: `target` has no files but locks. After a failure see `removeCheckpoint`. */
export async function writeCheckpoint(
  source: CheckpointSource,
  target: Storage,
  options: CheckpointWriteOptions,
): Promise<WrittenTables> {
  const written = await bringTables(source, target, options);
  options.checkWanted();
  const manifestNumber = source.nextFileNumber;
  let lastNumber = manifestNumber;
  const manifestBytes = await writeManifest(source, target, manifestNumber);
  await writeRoots(source, target, { manifestNumber, manifestBytes }, () => ++lastNumber);
  options.checkWanted();
  const temporary = ++lastNumber;
  await runLater(writeCurrentTemp(target, manifestNumber, temporary));
  await runLater(switchCurrent(target, temporary));
  return written;
}

/** Takes away what a checkpoint that failed has made, CURRENT first, but for the lock. What cannot be removed stays. */
export function removeCheckpoint(target: Storage): void {
  bestEffort(() => {
    if (target.sizeNow(CURRENT_FILE) === undefined) return;
    target.removeNow(CURRENT_FILE);
    target.syncDirectoryNow();
  });
  bestEffort(() => {
    for (const file of target.listNow()) {
      if (file.type !== FileType.Lock && file.type !== FileType.Holder) {
        bestEffort(() => target.removeNow(file));
      }
    }
  });
}

async function bringTables(
  { storage, levels }: CheckpointSource,
  target: Storage,
  { link, checkWanted, onProgress }: CheckpointWriteOptions,
): Promise<WrittenTables> {
  let linked = 0;
  let copied = 0;
  let bytes = 0;
  const bytesTotal = totalSize(levels.flat());
  onProgress?.({ bytesDone: 0, bytesTotal });
  for (const table of levels.flat()) {
    checkWanted();
    requireSize(table, storage.sizeNow(tableFile(table.number)));
    if (link && (await target.linkTable(storage.spec, tableFile(table.number)))) {
      linked++;
    } else {
      await copyTable(storage, target, table, checkWanted);
      copied++;
    }
    bytes += table.size;
    onProgress?.({ bytesDone: bytes, bytesTotal });
  }
  return { linked, copied, bytes };
}

function requireSize({ number, size }: TableMetadata, found: number | undefined): void {
  if (found === size) return;
  const problem = found === undefined ? 'is missing' : `has ${found} bytes`;
  throw corruption(`it ${problem}, and the manifest states ${size}`, fileName(tableFile(number)));
}

async function copyTable(
  source: Storage,
  target: Storage,
  { number, size }: TableMetadata,
  checkWanted: () => void,
): Promise<void> {
  const desc = tableFile(number);
  const from = await source.openRead(desc);
  try {
    const to = target.createNow(desc);
    try {
      await copyBytes(from, to, size, checkWanted);
      await to.sync();
    } finally {
      to.closeNow();
    }
  } finally {
    from.closeNow();
  }
}

async function copyBytes(
  from: ReadableFile,
  to: WritableFile,
  size: number,
  checkWanted: () => void,
): Promise<void> {
  const piece = new Uint8Array(Math.min(COPY_BYTES, size));
  for (let at = 0; at < size; ) {
    const length = Math.min(piece.length, size - at);
    const count = await from.read(piece, 0, length, at);
    if (count !== length) throw corruption('the file ends too early', fileName(from.file), at + count);
    requireWholeWrite(await to.write(piece, 0, length, at), length, to.file);
    at += length;
    checkWanted();
  }
}

/** Returns its size. */
async function writeManifest(source: CheckpointSource, target: Storage, number: number): Promise<number> {
  const { levels, lastSequence, compactPointers } = source;
  const edit = encodeVersionEdit({
    comparator: COMPARATOR_NAME,
    logNumber: 0,
    prevLogNumber: 0,
    // Above the two temporary files behind the manifest.
    nextFileNumber: number + 3,
    lastSequence,
    compactPointers,
    newTables: levels.flatMap((tables, level) => tables.map((table) => ({ level, table }))),
  });
  const writer = new ManifestWriter(target.createNow(manifestFile(number)));
  try {
    await runLater(writer.append(edit));
    await runLater(writer.sync());
    return writer.sizeBytes;
  } finally {
    writer.closeNow();
  }
}

async function writeRoots(
  { levels, lastSequence, masterRoot, tableRoot }: CheckpointSource,
  target: Storage,
  manifest: { readonly manifestNumber: number; readonly manifestBytes: number },
  newFileNumber: () => number,
): Promise<void> {
  const file = new RootsFile(target, { ...NO_ROOTS, tableRoots: new Map() }, { newFileNumber });
  const tables = levels.flat().map(({ number }) => ({ number, root: tableRoot(number) }));
  try {
    await runLater(file.append({ ...manifest, lastSequence, masterRoot }, tables));
  } finally {
    file.closeNow();
  }
}
