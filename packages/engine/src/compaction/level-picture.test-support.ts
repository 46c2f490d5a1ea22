/**
 * Levels written and picks shown as text, so that a test reads as a picture:
 *
 *     L0: 9[c..k] 8[a..f]
 *     L1: 3[a..d#7] 4[d#2..m]:30
 *
 * Table 4 has the keys from version 2 of `d` to version 1 of `m`, and 30 bytes; the others have 10.
 */
import { userKeyOf } from '@arena-level/common/key/internal-key';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { LevelSizes } from '../options/level-sizes.ts';
import { adding, levelsOf, table } from '../version/table.test-support.ts';
import type { Levels } from '../version/version.ts';
import type { CompactionPick } from './compaction-pick.ts';

const TABLE_BYTES = 10;

/** Level 0 is full with 2 tables, level 1 with 2 and level 2 with 8. At most 100 bytes of grandparents, 250 of a widened pick. */
export const SMALL_SIZES: LevelSizes = {
  level0Trigger: 2,
  level0Slowdown: 8,
  level0Pause: 12,
  level1Bytes: 2 * TABLE_BYTES,
  multiplier: 4,
  tableBytes: TABLE_BYTES,
};

export function levelsFrom(text: string): Levels {
  const byLevel: Record<number, TableMetadata[]> = {};
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [, level, tables] = /^\s*L(\d): (.*)$/.exec(line) ?? [];
    if (tables === undefined) throw new Error(`not a level: ${line}`);
    byLevel[Number(level)] = tables.trim().split(/\s+/).map(tableFrom);
  }
  return levelsOf(adding(byLevel));
}

function tableFrom(text: string): TableMetadata {
  const [, number, smallest, largest, size] = /^(\d+)\[(.*)\.\.(.*)\](?::(\d+))?$/.exec(text) ?? [];
  if (largest === undefined) throw new Error(`not a table: ${text}`);
  return table(Number(number), smallest!, largest, Number(size ?? TABLE_BYTES));
}

/** `size 1: merge 5 6 into 2 3 over 7`: tables 5 and 6 of level 1, 2 and 3 of level 2; 7 is a grandparent. */
export function shown(pick: CompactionPick | undefined): string {
  if (pick === undefined) return 'nothing';
  const list = (word: string, tables: readonly TableMetadata[]): string =>
    tables.length === 0 ? '' : ` ${word} ${tables.map(({ number }) => number).join(' ')}`;
  return (
    `${pick.reason} ${pick.level}:` +
    list(pick.isTrivialMove ? 'move' : 'merge', pick.inputs) +
    list('into', pick.nextInputs) +
    list('over', pick.grandparents)
  );
}

export function shownUserKey(key: Uint8Array): string {
  return Buffer.from(key).toString();
}

export function shownPointer(pick: CompactionPick | undefined): string {
  return shownUserKey(userKeyOf(pick!.pointer));
}
