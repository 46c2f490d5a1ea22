/** Tables for tests, with keys written as `userKey#sequence` (a put) or `userKey#sequence,DEL`; `#1` may be left out. */
import { makeInternalKey } from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { VersionEdit } from '../manifest/version-edit.ts';
import { EMPTY_LEVELS, type Levels } from './version.ts';
import { VersionBuilder } from './version-builder.ts';

export function internalKey(literal: string): Uint8Array<ArrayBuffer> {
  const [userKey = '', version = '1'] = literal.split('#');
  const [sequence, kind] = version.split(',');
  return makeInternalKey(
    new TextEncoder().encode(userKey),
    Number(sequence),
    kind === 'DEL' ? ValueKind.Delete : ValueKind.Put,
  );
}

export function table(number: number, smallest: string, largest: string, size?: number): TableMetadata {
  return {
    number,
    size: size ?? 1000 + number,
    smallest: internalKey(smallest),
    largest: internalKey(largest),
  };
}

/** A picture of levels: `L0: 7[a..m] 3[b..z]`, one line per level that has tables. */
export function picture(levels: Levels): string[] {
  const show = (key: Uint8Array): string => Buffer.from(key.subarray(0, key.length - 8)).toString();
  const lines = levels.map((tables, level) => {
    const shown = tables.map(
      ({ number, smallest, largest }) => `${number}[${show(smallest)}..${show(largest)}]`,
    );
    return `L${level}: ${shown.join(' ')}`;
  });
  return lines.filter((_, level) => levels[level]!.length > 0);
}

/** The levels after some edits of a store without tables; what does not fit together throws. */
export function levelsOf(...edits: VersionEdit[]): Levels {
  const builder = new VersionBuilder(EMPTY_LEVELS, (reason) => new Error(reason));
  for (const edit of edits) builder.apply(edit);
  return builder.build();
}

/** An edit that adds tables, given by level. */
export function adding(tables: Readonly<Record<number, readonly TableMetadata[]>>): VersionEdit {
  const newTables = Object.entries(tables).flatMap(([level, added]) =>
    added.map((t) => ({ level: Number(level), table: t })),
  );
  return { newTables };
}
