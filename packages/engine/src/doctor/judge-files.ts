/**
 * What the files of a store tell of its troubles. Pure: facts in, findings out.
 *
 * `isHeld`: somebody has the store open. Then the caller looks twice, since files come and go while it works.
 */
import {
  FileType,
  fileName,
  journalFile,
  manifestFile,
  tableFile,
} from '@arena-level/common/storage/file-desc';
import type { Finding } from '../public/diagnosis.ts';
import type { ManifestState } from '../version/manifest-reader.ts';
import type { JournalPicture, StoreFile, StorePicture } from './store-picture.ts';

const REPAIR = "'arena-level repair' makes a manifest of what is there, and deletes nothing.";

export function judgeFiles(picture: StorePicture, isHeld: boolean): Finding[] {
  const { manifest, problem } = picture;
  if (manifest === undefined) {
    const { file, reason } = problem!;
    return [
      {
        kind: 'damage',
        severity: 'problem',
        file,
        words: `What the store consists of cannot be told: ${reason}.`,
        whatToDo: `Put back the files of a checkpoint or a backup. Without one, ${REPAIR}`,
      },
      ...picture.journals.flatMap(damagedJournal),
    ];
  }
  return [
    ...judgeJournals(picture, manifest, isHeld),
    ...judgeTables(picture, manifest, isHeld),
    ...judgeManifests(picture, manifest, isHeld),
    ...judgeRootsFile(picture),
  ];
}

/** Those whose writes are not wholly in tables, oldest first. */
export function liveJournals({ journals }: StorePicture, manifest: ManifestState): JournalPicture[] {
  return journals.filter(({ number }) => isNeeded(number, manifest));
}

function isNeeded(number: number, { logNumber, prevLogNumber }: ManifestState): boolean {
  return number >= logNumber || (prevLogNumber !== 0 && number === prevLogNumber);
}

function judgeJournals(picture: StorePicture, manifest: ManifestState, isHeld: boolean): Finding[] {
  const findings: Finding[] = [];
  const live = liveJournals(picture, manifest);
  for (const journal of picture.journals) {
    if (!live.includes(journal)) findings.push(leftBehind(journal, manifest, isHeld));
  }
  for (const journal of live) {
    for (const finding of damagedJournal(journal)) findings.push(finding);
    const isNewest = journal === live.at(-1);
    if (journal.problem?.kind === 'tear' && !(isHeld && isNewest)) findings.push(torn(journal));
    const { entries, isOurs, lastSequence } = journal;
    // LevelDB states a last sequence number that journals in use go beyond.
    if (isOurs && entries > 0 && lastSequence <= manifest.lastSequence) findings.push(inTables(journal));
    else if (entries > 0 && !isNewest) findings.push(frozen(journal, isHeld));
  }
  const { logNumber } = manifest;
  if (logNumber !== 0 && picture.journals.every(({ number }) => number !== logNumber)) {
    findings.push({
      kind: 'missing-file',
      severity: 'problem',
      file: fileName(journalFile(logNumber)),
      words: 'The manifest names this journal, and it is missing: the writes in it are lost.',
      whatToDo: `Put the file back. Without it an open needs the option { recover: 'skip' }; ${REPAIR}`,
    });
  }
  return findings;
}

function frozen({ name, entries }: JournalPicture, isHeld: boolean): Finding {
  const what = `The MemDB of this journal, ${entries} writes, was frozen, and its flush is not committed`;
  return isHeld
    ? {
        kind: 'frozen-memdb',
        severity: 'warning',
        file: name,
        words: `${what}. Its writes are safe in the journal.`,
        whatToDo:
          'Look at stats().flushes in the process that has the store open: failure says why flushing does not get on ' +
          '(a full disk, mostly). Then remove the cause and call resume().',
      }
    : {
        kind: 'frozen-memdb',
        severity: 'notice',
        file: name,
        words: `${what}: the process that had the store open ended before.`,
        whatToDo: 'Nothing: the next open makes a table of it.',
      };
}

function leftBehind({ name }: JournalPicture, { logNumber }: ManifestState, isHeld: boolean): Finding {
  return {
    kind: 'journal-left-behind',
    severity: 'warning',
    file: name,
    words:
      'All its writes are in tables, and it was not removed: ' +
      `the manifest needs journals from ${fileName(journalFile(logNumber))} on.`,
    whatToDo: isHeld
      ? "Nothing is read from it. Listen to the event 'cleanup-failed' in the process that has the store open: it says " +
        'why the file cannot be removed. The next open removes it.'
      : 'Nothing is read from it: the next open for writing removes it. If it is still there then, look at the ' +
        'permissions of the directory.',
  };
}

function inTables({ name, lastSequence }: JournalPicture): Finding {
  return {
    kind: 'journal-left-behind',
    severity: 'warning',
    file: name,
    words:
      `Its writes, up to number ${lastSequence}, are in tables already, and its number says that they are not: ` +
      'it was put back, or a manifest was.',
    whatToDo: 'An open reads it again, which changes nothing: lookups go by sequence numbers.',
  };
}

function damagedJournal({ name, problem }: JournalPicture): Finding[] {
  if (problem?.kind !== 'damage') return [];
  return [
    {
      kind: 'damage',
      severity: 'problem',
      file: name,
      words: `The journal is damaged at offset ${problem.offset ?? 0}, and no crash explains it: ${problem.reason}.`,
      whatToDo:
        "An open stops here. 'arena-level repair' keeps every record that can be read, as does an open with " +
        "{ recover: 'skip' }; { recover: 'truncate' } keeps those before the damage.",
    },
  ];
}

function torn({ name, problem }: JournalPicture): Finding {
  return {
    kind: 'torn-journal',
    severity: 'notice',
    file: name,
    words: `It ends at offset ${problem!.offset} as a crash of the machine leaves it: ${problem!.reason}.`,
    whatToDo: 'Nothing: what lies behind was never acknowledged as durable. The next open ends there.',
  };
}

function judgeTables(picture: StorePicture, manifest: ManifestState, isHeld: boolean): Finding[] {
  const findings: Finding[] = [];
  const tables = picture.files.filter(({ type }) => type === FileType.Table);
  const listed = manifest.levels.flat();
  for (const { number, size } of listed) {
    const found = tables.find((file) => file.number === number);
    if (found === undefined || found.bytes < size) {
      findings.push({
        kind: 'missing-file',
        severity: 'problem',
        file: fileName(tableFile(number)),
        words:
          found === undefined
            ? 'The manifest lists this table, and it is missing: what it held is lost.'
            : `The table has ${found.bytes} bytes, and the manifest states ${size}: its end is lost.`,
        whatToDo: `Put the file back from a checkpoint or a backup. Without one, 'arena-level repair' keeps what is left.`,
      });
    }
  }
  const numbers = new Set(listed.map(({ number }) => number));
  for (const table of tables) {
    if (numbers.has(table.number)) continue;
    const isFormer = picture.formerTables.has(table.number) || picture.roots.tableRoots.has(table.number);
    findings.push(isFormer ? leftoverTable(table, isHeld) : uncommitted(table, manifest, isHeld));
  }
  if (!isHeld) {
    for (const { type, name } of picture.files) if (type === FileType.Temp) findings.push(leftoverTemp(name));
  }
  return findings;
}

function uncommitted({ name }: StoreFile, manifest: ManifestState, isHeld: boolean): Finding {
  return {
    kind: 'version-not-committed',
    severity: 'warning',
    file: name,
    words:
      `The table was built and has its name, and no edit of ${fileName(manifestFile(manifest.number))} lists it: ` +
      'its version was not committed. Nothing is lost: what is in it is still in its journal, or in the tables that it ' +
      'was made of.',
    whatToDo: isHeld
      ? "Listen to the events 'flush-failed' and 'compaction-failed' in the process that has the store open: they say " +
        'why the manifest cannot be written. Then remove the cause and call resume().'
      : 'Nothing: the next open removes it, and makes it again of the journal.',
  };
}

function leftoverTable({ name }: StoreFile, isHeld: boolean): Finding {
  return {
    kind: 'leftover',
    severity: 'notice',
    file: name,
    words: 'The table is not part of the store any more.',
    whatToDo: isHeld
      ? 'It goes when the last iterator or snapshot that reads it is closed; otherwise the next open removes it.'
      : 'Nothing: the next open removes it.',
  };
}

function leftoverTemp(file: string): Finding {
  return {
    kind: 'leftover',
    severity: 'notice',
    file,
    words: 'It was being written when the process that had the store open ended.',
    whatToDo: 'Nothing: the next open removes it.',
  };
}

function judgeManifests({ files, roots }: StorePicture, manifest: ManifestState, isHeld: boolean): Finding[] {
  const findings: Finding[] = [];
  const inForce = fileName(manifestFile(manifest.number));
  for (const { type, number, name } of files) {
    if (type !== FileType.Manifest || number === manifest.number) continue;
    if (number < manifest.number) {
      findings.push({
        kind: 'leftover',
        severity: 'notice',
        file: name,
        words: `The manifest was replaced by ${inForce}.`,
        whatToDo: 'Nothing: the next open removes it.',
      });
    } else {
      findings.push(notInForce(name, inForce));
    }
  }
  if (manifest.torn && !isHeld) findings.push(tornManifest(inForce, manifest.sizeBytes));
  const { last } = roots;
  const isBehind =
    last !== undefined &&
    (last.manifestNumber > manifest.number ||
      (last.manifestNumber === manifest.number && last.manifestBytes > manifest.sizeBytes));
  if (isBehind) {
    findings.push({
      kind: 'version-not-committed',
      severity: 'problem',
      file: inForce,
      words:
        `arena.roots records a version that ${fileName(manifestFile(last.manifestNumber))} made with ` +
        `${last.manifestBytes} bytes; the manifest in force ends at ${manifest.sizeBytes}. A commit that was durable is gone: ` +
        'the file was cut, or an older one was put back.',
      whatToDo: `Put back the files of a checkpoint or a backup, all of them together. Without one, ${REPAIR}`,
    });
  }
  return findings;
}

function notInForce(file: string, inForce: string): Finding {
  return {
    kind: 'version-not-committed',
    severity: 'warning',
    file,
    words:
      `A newer manifest than ${inForce}, which CURRENT names: its version was not committed, since CURRENT was not ` +
      'switched to it.',
    whatToDo:
      'Nothing is lost: journals and tables of the version in force are kept. The next open removes it.',
  };
}

function tornManifest(file: string, offset: number): Finding {
  return {
    kind: 'version-not-committed',
    severity: 'warning',
    file,
    words: `The manifest ends in the middle of an edit, at offset ${offset}: a commit was under way and was never durable.`,
    whatToDo: 'Nothing is lost: the next open leaves the edit out, and replays the journals.',
  };
}

function judgeRootsFile({ roots }: StorePicture): Finding[] {
  if (roots.report === undefined) return [];
  const { kind, offset, reason } = roots.report;
  return [
    {
      kind: kind === 'tear' ? 'leftover' : 'damage',
      severity: 'notice',
      file: 'arena.roots',
      words: `The record at offset ${offset} cannot be read: ${reason}.`,
      whatToDo: 'Nothing: the file is not needed, and the next commit writes it anew.',
    },
  ];
}
