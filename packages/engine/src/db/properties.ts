/**
 * LevelDB's properties: text for whoever looks at a store as they would look at one of LevelDB. Names and formats are
 * LevelDB's; `Store.stats` says more, in numbers.
 */
import { LEVELS, MIB } from '@arena-level/common/base/limits';
import { readTrailerSequence, TRAILER_BYTES, userKeyOf } from '@arena-level/common/key/internal-key';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { StoreStats } from '../public/stats.ts';
import type { Levels } from '../version/version.ts';

const PREFIX = 'leveldb.';
const FILES_AT_LEVEL = 'num-files-at-level';

const STATS_HEAD =
  '                               Compactions\n' +
  'Level  Files Size(MB) Time(sec) Read(MB) Write(MB)\n' +
  '--------------------------------------------------\n';

/** What a property is computed from. */
export interface PropertySource {
  readonly levels: Levels;
  readonly stats: StoreStats;
}

/** The text of a property; undefined: there is none of that name. `source` is asked only where there is one. */
export function propertyText(name: string, source: () => PropertySource): string | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const property = name.slice(PREFIX.length);
  if (property.startsWith(FILES_AT_LEVEL)) return filesAtLevel(property.slice(FILES_AT_LEVEL.length), source);
  switch (property) {
    case 'stats':
      return statsTable(source().stats);
    case 'sstables':
      return tableList(source().levels);
    case 'approximate-memory-usage': {
      const { blockCache, sharedCache, arenas } = source().stats;
      return String(blockCache.bytes + sharedCache.bytes + arenas.bytes);
    }
    default:
      return undefined;
  }
}

function filesAtLevel(digits: string, source: () => PropertySource): string | undefined {
  if (!/^[0-9]+$/.test(digits)) return undefined;
  const level = Number(digits);
  return level < LEVELS ? String(source().levels[level]!.length) : undefined;
}

/** A line per level that has tables, or has had work done on it. Flushes count for level 0. */
function statsTable({ levels, flushes }: StoreStats): string {
  let text = STATS_HEAD;
  for (const [level, { tables, bytes, busyMs, bytesRead, bytesWritten }] of levels.entries()) {
    const flushMs = level === 0 ? flushes.sortMs + flushes.buildMs + flushes.syncMs : 0;
    const flushBytes = level === 0 ? flushes.bytes : 0;
    if (tables === 0 && busyMs + flushMs === 0) continue;
    const columns = [
      inColumn(String(level), 3),
      inColumn(String(tables), 8),
      inColumn((bytes / MIB).toFixed(0), 8),
      inColumn(((busyMs + flushMs) / 1000).toFixed(0), 9),
      inColumn((bytesRead / MIB).toFixed(0), 8),
      inColumn(((bytesWritten + flushBytes) / MIB).toFixed(0), 9),
    ];
    text += `${columns.join(' ')}\n`;
  }
  return text;
}

function inColumn(text: string, width: number): string {
  return text.padStart(width);
}

function tableList(levels: Levels): string {
  let text = '';
  for (const [level, tables] of levels.entries()) {
    text += `--- level ${level} ---\n`;
    for (const table of tables) text += ` ${tableLine(table)}\n`;
  }
  return text;
}

function tableLine({ number, size, smallest, largest }: TableMetadata): string {
  return `${number}:${size}[${keyText(smallest)} .. ${keyText(largest)}]`;
}

/** `'user key' @ sequence : kind`, bytes that are not printable ASCII escaped. */
function keyText(internalKey: Uint8Array): string {
  const trailer = internalKey.length - TRAILER_BYTES;
  const sequence = readTrailerSequence(internalKey, trailer);
  // The kind is the lowest byte of the trailer.
  return `'${escaped(userKeyOf(internalKey))}' @ ${sequence} : ${internalKey[trailer]!}`;
}

function escaped(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const isPrintable = byte >= 0x20 && byte <= 0x7e;
    text += isPrintable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}
