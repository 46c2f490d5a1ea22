/**
 * What the files of a store say, taken without changing any of them and beside a writer if there is one: the facts
 * that `judge-files.ts` makes findings of.
 *
 * In this order: `arena.roots` → CURRENT → manifest → the listing → journals. So the roots are never newer than the
 * manifest.
 */
import { errnoOf } from '@arena-level/common/base/errors';
import { runLater } from '@arena-level/common/base/steps';
import {
  CURRENT_FILE,
  type FileDesc,
  FileType,
  fileName,
  journalFile,
  manifestFile,
} from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { readBatchSequence, validateBatch } from '../journal/batch-codec.ts';
import { readLog } from '../journal/log-reader.ts';
import { readCurrentNow } from '../manifest/current-file.ts';
import { decodeVersionEdit } from '../manifest/version-edit.ts';
import type { FileProblem } from '../public/public-types.ts';
import { isLoss, problemOf } from '../repair/problem.ts';
import { type RootsContents, readRoots } from '../roots/roots-file.ts';
import { type ManifestState, readManifest } from '../version/manifest-reader.ts';

export interface StoreFile extends FileDesc {
  readonly name: string;
  readonly bytes: number;
}

export interface JournalPicture {
  readonly number: number;
  readonly name: string;
  readonly bytes: number;
  /** It begins with an opening record: none that LevelDB wrote does. */
  readonly isOurs: boolean;
  readonly entries: number;
  /** Of its entries; 0 without any. */
  readonly lastSequence: number;
  /** What ends it before its end. */
  readonly problem: ({ readonly kind: 'tear' | 'damage' } & FileProblem) | undefined;
}

export interface StorePicture {
  readonly files: readonly StoreFile[];
  /** By CURRENT; undefined when that is missing or damaged. */
  readonly manifestNumber: number | undefined;
  readonly manifest: ManifestState | undefined;
  /** Numbers of tables that some edit of the manifest removed. */
  readonly formerTables: ReadonlySet<number>;
  /** Why CURRENT or the manifest cannot be read. */
  readonly problem: FileProblem | undefined;
  readonly roots: RootsContents;
  /** All that are there, oldest first. */
  readonly journals: readonly JournalPicture[];
}

/** A writer may put another manifest in force, and remove the one that is being read, so often. */
const MAX_ATTEMPTS = 20;

export async function pictureOf(storage: Storage): Promise<StorePicture> {
  for (let attempt = 1; ; attempt++) {
    const roots = await runLater(readRoots(storage));
    const inForce = await readInForce(storage);
    const isOvertaken =
      inForce.problem !== undefined &&
      inForce.manifestNumber !== undefined &&
      currentOrNothing(storage) !== inForce.manifestNumber;
    if (isOvertaken && attempt < MAX_ATTEMPTS) continue;
    const files = listFiles(storage);
    return { ...inForce, roots, files, journals: await readJournals(storage, files) };
  }
}

type InForce = Pick<StorePicture, 'manifestNumber' | 'manifest' | 'formerTables' | 'problem'>;

async function readInForce(storage: Storage): Promise<InForce> {
  const nothing = { manifest: undefined, formerTables: new Set<number>() };
  let manifestNumber: number | undefined;
  const name = (): string =>
    fileName(manifestNumber === undefined ? CURRENT_FILE : manifestFile(manifestNumber));
  try {
    manifestNumber = readCurrentNow(storage);
    if (manifestNumber === undefined) {
      return { ...nothing, manifestNumber, problem: { file: name(), reason: 'CURRENT: it is missing' } };
    }
    const manifest = await runLater(readManifest(storage, manifestNumber));
    const formerTables = await readFormerTables(storage, manifestNumber);
    return { manifestNumber, manifest, formerTables, problem: undefined };
  } catch (error) {
    if (!isLoss(error) && !isGone(error)) throw error;
    const problem = isLoss(error) ? problemOf(name(), error) : { file: name(), reason: 'it is gone' };
    return { ...nothing, manifestNumber, problem };
  }
}

async function readFormerTables(storage: Storage, number: number): Promise<ReadonlySet<number>> {
  const former = new Set<number>();
  const file = await storage.openRead(manifestFile(number));
  try {
    const name = fileName(file.file);
    await runLater(
      readLog(file, (bytes, start, end, offset) => {
        const { deletedTables = [] } = decodeVersionEdit(bytes, start, end, name, offset);
        for (const deleted of deletedTables) former.add(deleted.number);
      }),
    );
    return former;
  } finally {
    file.closeNow();
  }
}

function currentOrNothing(storage: Storage): number | undefined {
  try {
    return readCurrentNow(storage);
  } catch {
    return undefined;
  }
}

function listFiles(storage: Storage): StoreFile[] {
  const files: StoreFile[] = [];
  for (const file of storage.listNow()) {
    const bytes = storage.sizeNow(file);
    // It may have gone since it was listed.
    if (bytes !== undefined) files.push({ ...file, name: fileName(file), bytes });
  }
  return files.sort((left, right) => left.number - right.number);
}

async function readJournals(storage: Storage, files: readonly StoreFile[]): Promise<JournalPicture[]> {
  const journals: JournalPicture[] = [];
  for (const { type, number } of files) {
    if (type !== FileType.Journal) continue;
    try {
      journals.push(await readJournal(storage, number));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return journals;
}

async function readJournal(storage: Storage, number: number): Promise<JournalPicture> {
  const name = fileName(journalFile(number));
  const file = await storage.openRead(journalFile(number));
  const found = { number, name, bytes: file.size, isOurs: false, entries: 0, lastSequence: 0 };
  let problem: JournalPicture['problem'];
  let records = 0;
  try {
    const end = await runLater(
      readLog(file, (bytes, start, recordEnd, offset) => {
        const batch = validateBatch(bytes, start, recordEnd);
        if (batch.kind !== 'valid') {
          problem ??= { kind: 'damage', file: name, offset, reason: batch.reason };
          return;
        }
        const count = batch.puts + batch.deletes;
        if (records++ === 0) found.isOurs = count === 0;
        found.entries += count;
        if (count > 0) found.lastSequence = readBatchSequence(bytes, start) + count - 1;
      }),
    );
    if (end.kind !== 'end')
      problem ??= { kind: end.kind, file: name, offset: end.offset, reason: end.reason };
  } catch (error) {
    if (!isLoss(error)) throw error;
    problem ??= { kind: 'damage', ...problemOf(name, error) };
  } finally {
    file.closeNow();
  }
  return { ...found, problem };
}

function isGone(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT';
}
