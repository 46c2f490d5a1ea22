import { join } from 'node:path';
import { type Clock, systemClock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { CURRENT_FILE, FileType, fileName, manifestFile } from '@arena-level/common/storage/file-desc';
import { namesIn, whatIsAt } from '@arena-level/common/storage/node-directory';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { judgeFiles, liveJournals } from '../doctor/judge-files.ts';
import { judgeTables, type TableFinding } from '../doctor/judge-tables.ts';
import { pictureOf, type StorePicture } from '../doctor/store-picture.ts';
import { lookAtHolder } from '../lock/look-at-holder.ts';
import { checkCallOptions, FLAG, type OptionKinds, SIGNAL_AND_PROGRESS } from '../options/call-options.ts';
import type { DiagnoseOptions, Diagnosis, Finding, Severity } from '../public/diagnosis.ts';
import { directoryOf, notADirectory } from './location.ts';
import type { OpenModules } from './open-modules.ts';
import { missingStore } from './store-contents.ts';

const DEFAULT_WAIT_MS = 2000;
const WORST_FIRST: readonly Severity[] = ['problem', 'warning', 'notice'];

const DIAGNOSE_OPTIONS: OptionKinds = {
  quick: FLAG,
  waitMs: {
    fits: (value) => typeof value === 'number' && value >= 0 && value <= 600_000,
    wanted: 'a number of milliseconds from 0 to 600000',
  },
  ...SIGNAL_AND_PROGRESS,
};

/**
 * Looks for what is wrong with the store in the directory `location`, and says what to do about it. Changes nothing,
 * takes no lock, and works beside whoever has the store open.
 *
 * Rejects with ARENA_INVALID_ARGUMENT, ARENA_STORE_MISSING, LEVEL_ABORTED, LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED. Damage
 * is a finding.
 */
export async function diagnose(
  location: string,
  options: DiagnoseOptions = {},
  modules: Pick<OpenModules, 'storage' | 'clock'> = {},
): Promise<Diagnosis> {
  checkCallOptions('diagnose', options, DIAGNOSE_OPTIONS);
  const directory = directoryOf(location);
  if (modules.storage === undefined) requireDirectory(directory);
  const storage = modules.storage ?? new NodeStorage(directory);
  try {
    requireStore(storage);
    return await diagnoseFiles(storage, directory, options, modules.clock ?? systemClock);
  } finally {
    storage.closeNow();
  }
}

async function diagnoseFiles(
  storage: Storage,
  directory: string,
  options: DiagnoseOptions,
  clock: Clock,
): Promise<Diagnosis> {
  const isOnDisk = storage.spec !== undefined;
  const holder = isOnDisk ? lookAtHolder(directory) : undefined;
  let picture = await pictureOf(storage);
  let findings = judgeFiles(picture, holder !== undefined);
  if (holder !== undefined && findings.length > 0) {
    await pause(clock, options.waitMs ?? DEFAULT_WAIT_MS, options.signal);
    picture = await pictureOf(storage);
    const before = new Set(findings.map(keyOf));
    findings = judgeFiles(picture, true).filter((finding) => before.has(keyOf(finding)));
  }
  const { manifest } = picture;
  let entries = 0;
  if (manifest !== undefined) {
    const judged = await judgeTables(storage, picture, manifest, options);
    entries = judged.entries;
    const counted = holder === undefined ? judged.findings : await stillThere(storage, judged.findings);
    findings = findings.concat(counted.map(({ finding }) => finding));
  }
  if (isOnDisk) findings = findings.concat(setAside(directory));
  return {
    location: storage.location,
    holder,
    manifest: manifest && fileName(manifestFile(manifest.number)),
    lastSequence: manifest?.lastSequence ?? 0,
    tables: { ...countOf(manifest?.levels.flat().map(({ size }) => size) ?? []), entries },
    journals: journalsOf(picture),
    findings: WORST_FIRST.flatMap((one) => findings.filter(({ severity }) => severity === one)),
  };
}

function keyOf({ kind, file, words }: Finding): string {
  return JSON.stringify([kind, file, words]);
}

/** Without those on tables that a compaction has replaced since. */
async function stillThere(
  storage: Storage,
  findings: readonly TableFinding[],
): Promise<readonly TableFinding[]> {
  if (findings.length === 0) return [];
  const { manifest } = await pictureOf(storage);
  const listed = new Set(manifest?.levels.flat().map(({ number }) => number));
  return findings.filter(({ table }) => table === undefined || listed.has(table));
}

function journalsOf(picture: StorePicture): Diagnosis['journals'] {
  const { manifest, journals } = picture;
  const live = manifest === undefined ? journals : liveJournals(picture, manifest);
  return {
    ...countOf(live.map(({ bytes }) => bytes)),
    entries: live.reduce((sum, journal) => sum + journal.entries, 0),
  };
}

function countOf(sizes: readonly number[]): { count: number; bytes: number } {
  return { count: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

function setAside(directory: string): Finding[] {
  const lost = join(directory, 'lost');
  const names = whatIsAt(lost) === 'directory' ? namesIn(lost) : [];
  if (names.length === 0) return [];
  return [
    {
      kind: 'set-aside',
      severity: 'notice',
      file: 'lost/',
      words: `An open or a repair has set files aside here: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}.`,
      whatToDo:
        "The store does not need them. Look into them with 'arena-level dump'; remove them when you like.",
    },
  ];
}

function pause(clock: Clock, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  const letGo = clock.keepAlive();
  return new Promise<void>((resolve) => {
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(waitMs, end);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end);
  }).finally(letGo);
}

function requireDirectory(directory: string): void {
  const found = whatIsAt(directory);
  if (found === 'other') throw notADirectory(directory);
  if (found === 'nothing') throw missingStore(directory);
}

/** A directory with tables, journals or manifests was a store, whatever it lacks. */
function requireStore(storage: Storage): void {
  const isStore = storage
    .listNow()
    .some(
      ({ type }) =>
        type === CURRENT_FILE.type ||
        type === FileType.Manifest ||
        type === FileType.Table ||
        type === FileType.Journal,
    );
  if (!isStore) {
    throw new EngineError(ErrorCode.StoreMissing, `there is no store in ${storage.location}`);
  }
}
