/** A manifest: its edits one by one, and what they come to. */
import { isEngineError } from '@arena-level/common/base/errors';
import { readTrailerSequence, TRAILER_BYTES, userKeyOf } from '@arena-level/common/key/internal-key';
import { type FileDesc, fileName, tableFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { decodeVersionEdit, type NewTable, type VersionEdit } from '../../manifest/version-edit.ts';
import { alignColumns } from '../columns.ts';
import type { CliIo } from '../command.ts';
import { counted, formatBytes } from '../format.ts';
import { dumpLog } from './dump-log.ts';
import { type DumpTarget, keyJson, keyText, print, printDamage, printHead } from './dump-target.ts';

export async function dumpManifest(
  storage: Storage,
  file: FileDesc,
  target: DumpTarget,
  io: CliIo,
): Promise<void> {
  const name = fileName(file);
  printHead(target, 'manifest', name, storage.sizeNow(file) ?? 0);
  const tables = new Map<number, NewTable>();
  let edits = 0;
  const onRecord = (bytes: Uint8Array, start: number, end: number, offset: number): void => {
    try {
      const edit = decodeVersionEdit(bytes, start, end, name, offset);
      edits++;
      printEdit(edit, offset, target);
      for (const { number } of edit.deletedTables ?? []) tables.delete(number);
      for (const added of edit.newTables ?? []) tables.set(added.table.number, added);
    } catch (error) {
      if (!isEngineError(error)) throw error;
      printDamage(target, error.message);
    }
  };
  await dumpLog(storage, file, onRecord, target, io);
  printSummary(edits, [...tables.values()], target);
}

function printEdit(edit: VersionEdit, offset: number, target: DumpTarget): void {
  const { comparator, logNumber, prevLogNumber, nextFileNumber, lastSequence } = edit;
  const numbers = { comparator, logNumber, prevLogNumber, nextFileNumber, lastSequence };
  const words = [
    ['comparator', comparator],
    ['journal', logNumber],
    ['previous journal', prevLogNumber === 0 ? undefined : prevLogNumber],
    ['next file', nextFileNumber],
    ['last sequence', lastSequence],
  ]
    .filter(([, value]) => value !== undefined)
    .map(([what, value]) => `${what} ${value}`);
  print(target, `${String(offset).padStart(10)}  ${words.join(', ')}`, 'edit', { offset, ...numbers });
  for (const { level, key } of edit.compactPointers ?? []) {
    const raw = target.json ? { key: keyJson(userKeyOf(key), target) } : {};
    const text = target.json ? '' : `            level ${level} is compacted up to ${boundText(key, target)}`;
    print(target, text, 'compact-pointer', { level }, raw);
  }
  for (const { level, number } of edit.deletedTables ?? []) {
    const file = fileName(tableFile(number));
    print(target, `            - ${file} of level ${level}`, 'table-removed', { level, file });
  }
  for (const { level, table } of edit.newTables ?? []) {
    const file = fileName(tableFile(table.number));
    const raw = target.json
      ? {
          smallest: keyJson(userKeyOf(table.smallest), target),
          largest: keyJson(userKeyOf(table.largest), target),
        }
      : {};
    const text = target.json
      ? ''
      : `            + ${file} to level ${level}, ${formatBytes(table.size)}, ${boundText(table.smallest, target)} to ${boundText(table.largest, target)}`;
    print(target, text, 'table-added', { level, file, bytes: table.size }, raw);
  }
}

function boundText(internalKey: Uint8Array, target: DumpTarget): string {
  const sequence = readTrailerSequence(internalKey, internalKey.length - TRAILER_BYTES);
  return `${keyText(userKeyOf(internalKey), target)}@${sequence}`;
}

/** The tables that the edits leave. */
function printSummary(edits: number, tables: readonly NewTable[], target: DumpTarget): void {
  const levels = [...new Set(tables.map(({ level }) => level))].sort((a, b) => a - b);
  const rows = levels.map((level) => {
    const held = tables.filter((one) => one.level === level);
    return { level, tables: held.length, bytes: held.reduce((sum, { table }) => sum + table.size, 0) };
  });
  const headline = `${counted(edits, 'edit')}; in the end ${counted(tables.length, 'table')}`;
  print(target, headline, 'summary', { edits, levels: rows });
  if (target.json) return;
  const cells = rows.map(({ level, tables: count, bytes }) => [
    `  level ${level}`,
    counted(count, 'table'),
    formatBytes(bytes),
  ]);
  for (const line of alignColumns(cells, ['left', 'right', 'right'])) target.output.line(line);
}
