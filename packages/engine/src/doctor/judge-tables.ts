/** Reads the tables of a version and compares their roots with what is on record. */
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '@arena-level/common/base/aborting';
import { errnoOf } from '@arena-level/common/base/errors';
import { runLater } from '@arena-level/common/base/steps';
import { fromWireError } from '@arena-level/common/protocol/wire-error';
import { fileName, manifestFile, ROOTS_FILE, tableFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { statedRootOf } from '@arena-level/common/table/stated-root';
import { verifyTable } from '@arena-level/worker-flush/verify-table';
import { totalSize } from '../compaction/level-scores.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { DiagnoseOptions, Finding } from '../public/diagnosis.ts';
import { isLoss } from '../repair/problem.ts';
import { MasterRootTracker } from '../roots/master-root-tracker.ts';
import type { ManifestState } from '../version/manifest-reader.ts';
import { Version } from '../version/version.ts';
import type { StorePicture } from './store-picture.ts';

export interface JudgedTables {
  readonly findings: readonly TableFinding[];
  /** Entries that were read. */
  readonly entries: number;
}

export interface TableFinding {
  /** The table concerned; undefined for what concerns all of them. */
  readonly table: number | undefined;
  readonly finding: Finding;
}

interface Look {
  /** Undefined where the table states none, or cannot be read. */
  readonly root: Uint8Array | undefined;
  readonly entries: number;
  readonly problems: readonly string[];
}

const FROM_A_COPY = 'Put the file back from a checkpoint or a backup.';

/** REQUIRES: what the manifest lists was there. A table that is gone when it is its turn is left out. */
export async function judgeTables(
  storage: Storage,
  { roots }: StorePicture,
  manifest: ManifestState,
  { quick = false, signal, onProgress }: DiagnoseOptions,
): Promise<JudgedTables> {
  const findings: TableFinding[] = [];
  const tracker = new MasterRootTracker();
  const tables = manifest.levels.flat();
  const bytesTotal = totalSize(tables);
  let bytesDone = 0;
  let entries = 0;
  onProgress?.({ bytesDone, bytesTotal });
  for (const metadata of tables) {
    throwIfAborted(signal, 'the diagnosis was aborted');
    await setImmediate();
    const look = await lookAt(storage, metadata, quick);
    bytesDone += metadata.size;
    onProgress?.({ bytesDone, bytesTotal });
    if (look === undefined) continue;
    entries += look.entries;
    const { number: table } = metadata;
    if (look.problems.length > 0) {
      findings.push({ table, finding: damaged(table, look.problems) });
      continue;
    }
    if (look.root === undefined) continue;
    tracker.setRoot(table, look.root);
    const recorded = roots.tableRoots.get(table);
    if (recorded !== undefined && Buffer.compare(recorded, look.root) !== 0) {
      findings.push({ table, finding: otherRoot(table, look.root, recorded, quick) });
    }
  }
  for (const finding of judgeMasterRoot(tracker, roots.last, manifest)) {
    findings.push({ table: undefined, finding });
  }
  return { findings, entries };
}

async function lookAt(storage: Storage, table: TableMetadata, quick: boolean): Promise<Look | undefined> {
  const { number: tableNumber, size, smallest, largest } = table;
  if (quick) return await lookAtMeta(storage, table);
  const outcome = verifyTable({ tableNumber, size, smallest, largest }, storage);
  if (outcome.kind === 'verified') return outcome;
  const error = fromWireError(outcome.error);
  if (storage.sizeNow(tableFile(tableNumber)) === undefined) return undefined;
  return { root: undefined, entries: 0, problems: [error.message] };
}

async function lookAtMeta(storage: Storage, { number }: TableMetadata): Promise<Look | undefined> {
  try {
    const file = await storage.openRead(tableFile(number));
    try {
      const stated = await runLater(statedRootOf(file));
      return { root: stated?.root, entries: 0, problems: [] };
    } finally {
      file.closeNow();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (!isLoss(error)) throw error;
    return { root: undefined, entries: 0, problems: [error.message] };
  }
}

/** What a table says that reads well and is not what it was: `verify-table.ts` words it so. */
const NOT_ITS_ROOT = /the Merkle block states/;

function damaged(number: number, problems: readonly string[]): Finding {
  const isReadable = problems.every((problem) => NOT_ITS_ROOT.test(problem));
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more: 'arena-level verify')` : '';
  return {
    kind: isReadable ? 'master-root-mismatch' : 'damage',
    severity: 'problem',
    file: fileName(tableFile(number)),
    words: `${isReadable ? 'The data of the table are not those of its root' : 'The table is damaged'}: ${problems[0]!}${more}.`,
    whatToDo: `${FROM_A_COPY} Without one, 'arena-level repair' keeps every block that can be read.`,
  };
}

function otherRoot(number: number, root: Uint8Array, recorded: Uint8Array, quick: boolean): Finding {
  return {
    kind: 'master-root-mismatch',
    severity: 'problem',
    file: fileName(tableFile(number)),
    words:
      `The table ${quick ? 'states' : 'has'} the root ${short(root)}, and ${short(recorded)} was recorded when it was ` +
      'committed: it is sound in itself, and not the table that was committed.',
    whatToDo: `${FROM_A_COPY} Without one, find out who changed it: no crash does.`,
  };
}

/** Where the last record names exactly this version, it has to have its MasterRoot. */
function judgeMasterRoot(
  tracker: MasterRootTracker,
  last: StorePicture['roots']['last'],
  { number, sizeBytes, lastSequence, levels }: ManifestState,
): Finding[] {
  const version = new Version(1, levels);
  const isThis =
    last?.manifestNumber === number && last.manifestBytes === sizeBytes && last.lastSequence === lastSequence;
  if (!isThis || tracker.missing(version).length > 0) return [];
  const root = tracker.compute(version);
  if (Buffer.compare(root, last.masterRoot) === 0) return [];
  return [
    {
      kind: 'master-root-mismatch',
      severity: 'problem',
      file: fileName(ROOTS_FILE),
      words:
        `The tables of ${fileName(manifestFile(number))} have the MasterRoot ${short(root)}, and ` +
        `${short(last.masterRoot)} is recorded for them.`,
      whatToDo:
        'If a table is named here too, that one is to blame; otherwise the record is. Then remove arena.roots while ' +
        'nobody has the store open: the next commit writes it anew.',
    },
  ];
}

function short(root: Uint8Array): string {
  return `${Buffer.from(root).toString('hex').slice(0, 16)}…`;
}
