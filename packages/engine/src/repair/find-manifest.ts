/**
 * Looks for a manifest that can be trusted to say which tables make up the store and in which levels.
 *
 * That is the one that CURRENT names. Where CURRENT or that one is missing or damaged it is the one with the highest
 * number, since manifests are numbered in the order of their time; but for one that a crash left unfinished, which was
 * never in force. A manifest that is damaged, or shorter than `arena.roots` knows it, hides what came later, and then none is
 * trusted: an older one would bring back what has been deleted since.
 */
import { corruption } from '@arena-level/common/base/errors';
import { runLater } from '@arena-level/common/base/steps';
import {
  CURRENT_FILE,
  type FileDesc,
  FileType,
  fileName,
  manifestFile,
} from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { readLog } from '../journal/log-reader.ts';
import { readCurrentNow } from '../manifest/current-file.ts';
import type { FileProblem } from '../public/public-types.ts';
import type { RootsContents } from '../roots/roots-file.ts';
import { type ManifestState, readManifest } from '../version/manifest-reader.ts';
import { isLoss, problemOf } from './problem.ts';

export async function findManifest(
  storage: Storage,
  files: readonly FileDesc[],
  { last }: RootsContents,
  damage: FileProblem[],
): Promise<ManifestState | undefined> {
  const inForce = currentNow(storage, damage);
  for (const number of candidates(files, inForce)) {
    const state = await tryRead(storage, number, damage);
    if (state !== undefined) {
      if (last?.manifestNumber !== number || last.manifestBytes <= state.sizeBytes) return state;
      const name = fileName(manifestFile(number));
      const reason = `it ends here, and a version is on record that it made with ${last.manifestBytes} bytes`;
      damage.push(problemOf(name, corruption(reason, name, state.sizeBytes)));
      return undefined;
    }
    const mayBeNext = number === inForce || (await isUnfinished(storage, number, files));
    if (!mayBeNext) return undefined;
  }
  return undefined;
}

/** Numbers of manifests in the order to look at them: never one that CURRENT has left behind. */
function candidates(files: readonly FileDesc[], inForce: number | undefined): number[] {
  const numbers = files.filter(({ type }) => type === FileType.Manifest).map(({ number }) => number);
  const descending = numbers.sort((left, right) => right - left);
  if (inForce === undefined) return descending;
  return [inForce, ...descending.filter((number) => number > inForce)];
}

function currentNow(storage: Storage, damage: FileProblem[]): number | undefined {
  try {
    const number = readCurrentNow(storage);
    if (number === undefined) damage.push({ file: fileName(CURRENT_FILE), reason: 'it is missing' });
    return number;
  } catch (error) {
    if (!isLoss(error)) throw error;
    damage.push(problemOf(fileName(CURRENT_FILE), error));
    return undefined;
  }
}

async function tryRead(
  storage: Storage,
  number: number,
  damage: FileProblem[],
): Promise<ManifestState | undefined> {
  try {
    return await runLater(readManifest(storage, number));
  } catch (error) {
    if (!isLoss(error)) throw error;
    damage.push(problemOf(fileName(manifestFile(number)), error));
    return undefined;
  }
}

/** True for a manifest without a whole record, when nothing was made after it. */
async function isUnfinished(storage: Storage, number: number, files: readonly FileDesc[]): Promise<boolean> {
  const isLatest = files.every(
    (file) => file.number <= number || (file.type !== FileType.Table && file.type !== FileType.Journal),
  );
  if (!isLatest) return false;
  const file = await storage.openRead(manifestFile(number));
  try {
    const end = await runLater(readLog(file, () => {}, { everyRecordSynced: true }));
    return end.kind !== 'damage' && end.goodEnd === 0;
  } finally {
    file.closeNow();
  }
}
