/** Inputs for compactions, and what has to come of them by the definition, for the tests of this folder. */

import { systemClock } from '@arena-level/common/base/clock';
import type { Prng } from '@arena-level/common/base/prng';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { userKeyOf } from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { CompactionHandle } from '@arena-level/common/protocol/compaction-control';
import type {
  CompactionJob,
  CompactResponse,
  InputTable,
  UserKeyRange,
} from '@arena-level/common/protocol/compaction-protocol';
import { tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { compareEntries, type Entry, lineOf } from '@arena-level/common/table/table.test-support';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import { DEFAULT_TABLE_OPTIONS, type TableOptions } from '@arena-level/common/table/table-options';
import { compactTables } from './compact-tables.ts';
import { readTable } from './read-table.test-support.ts';
import { verifyTable } from './verify-table.ts';

export const FIRST_TEMP = 9000;
export type Compacted = Extract<CompactResponse, { kind: 'compacted' }>;

export function entry(key: string, sequence: number, value?: string): Entry {
  return {
    key: Buffer.from(key),
    sequence,
    kind: value === undefined ? ValueKind.Delete : ValueKind.Put,
    value: Buffer.from(value ?? ''),
  };
}

export function options(change: Partial<TableOptions> = {}): TableOptions {
  return { ...DEFAULT_TABLE_OPTIONS, ...change };
}

/** Writes a table of entries in order; the file number is the caller's. */
export function writeTable(
  storage: Storage,
  number: number,
  entries: readonly Entry[],
  change: Partial<TableOptions> = {},
): InputTable {
  const file = storage.createNow(tableFile(number));
  const builder = new TableBuilder(file, options(change));
  for (const { key, sequence, kind, value } of entries) {
    builder.add(key, 0, key.length, sequence, kind, value, 0, value.length);
  }
  const { size, smallest, largest } = builder.finish();
  file.closeNow();
  return { number, size, smallest, largest };
}

/** Writes runs of one table each, numbered from 1. */
export function writeRuns(
  storage: Storage,
  runs: readonly (readonly Entry[])[],
  change: Partial<TableOptions> = {},
): InputTable[][] {
  return runs.map((entries, run) => [writeTable(storage, run + 1, entries, change)]);
}

/** A job that drops all that can be dropped and writes one table. */
export function compactionJob(
  runs: readonly (readonly InputTable[])[],
  change: Partial<CompactionJob> = {},
): CompactionJob {
  return {
    runs,
    below: [],
    grandparents: [],
    maxGrandparentBytes: Number.MAX_SAFE_INTEGER,
    dropHorizon: Number.MAX_SAFE_INTEGER,
    maxTableBytes: Number.MAX_SAFE_INTEGER,
    tempNumbers: { first: FIRST_TEMP, count: 100 },
    options: options(),
    ...new CompactionHandle().memory,
    ...change,
  };
}

export function compact(job: CompactionJob, storage: Storage): Compacted {
  const response = compactTables(job, storage, systemClock);
  if (response.kind !== 'compacted') throw new Error(`not compacted: ${JSON.stringify(response)}`);
  return response;
}

/** Entries of each output, in order; every output is verified. The files stay, under their numbers as tables. */
export function readOutputs(response: Compacted, storage: Storage): string[][] {
  return response.tables.map(({ tempNumber, table }) => {
    storage.renameNow(tempFile(tempNumber), tableFile(tempNumber));
    const { size, smallest, largest } = table;
    const verified = verifyTable({ tableNumber: tempNumber, size, smallest, largest }, storage);
    if (verified.kind !== 'verified' || verified.problems.length > 0) {
      throw new Error(`an output is not sound: ${JSON.stringify(verified)}`);
    }
    if (verified.storedRoot === undefined || compareBytes(verified.root, table.root) !== 0) {
      throw new Error('the root of an output is not that of its blocks');
    }
    if (verified.entries !== table.entries || verified.blocks !== table.blocks) {
      throw new Error('an output is not summed up as it is');
    }
    const lines = readTable(storage, tempNumber);
    checkSequences(lines, table);
    return lines;
  });
}

function checkSequences(lines: readonly string[], table: Compacted['tables'][number]['table']): void {
  const sequences = lines.map((line) => Number(line.slice(line.indexOf('#') + 1, line.indexOf(','))));
  const isRight =
    Math.min(...sequences) === table.smallestSequence && Math.max(...sequences) === table.largestSequence;
  if (!isRight) throw new Error('an output states other sequence numbers than it has');
}

/** What the entries of the outputs together have to be, by the definition. */
export function modelOf(
  runs: readonly (readonly Entry[])[],
  { dropHorizon, below, begin, end }: Pick<CompactionJob, 'dropHorizon' | 'below' | 'begin' | 'end'>,
): string[] {
  const versions = new Map<string, Entry>();
  for (const one of runs.flat()) {
    const id = `${Buffer.from(one.key).toString('hex')}#${one.sequence}`;
    if (!versions.has(id)) versions.set(id, one);
  }
  const all = [...versions.values()].filter(
    ({ key }) =>
      (begin === undefined || compareBytes(key, begin) >= 0) &&
      (end === undefined || compareBytes(key, end) < 0),
  );
  const newestHidden = new Map<string, number>();
  for (const { key, sequence } of all) {
    const id = Buffer.from(key).toString('hex');
    if (sequence <= dropHorizon) newestHidden.set(id, Math.max(newestHidden.get(id) ?? -1, sequence));
  }
  return all
    .filter(({ key, sequence, kind }) => {
      if (sequence < (newestHidden.get(Buffer.from(key).toString('hex')) ?? -1)) return false;
      return (
        kind !== ValueKind.Delete || sequence > dropHorizon || below.flat().some((range) => holds(range, key))
      );
    })
    .sort(compareEntries)
    .map(lineOf);
}

export function holds({ smallest, largest }: UserKeyRange, key: Uint8Array): boolean {
  return compareBytes(smallest, key) <= 0 && compareBytes(key, largest) <= 0;
}

/** Entries spread over runs: most in one, some, as data that was recovered twice, in two; each run in order. */
export function spread(prng: Prng, entries: readonly Entry[], runs: number): Entry[][] {
  const spreaded: Entry[][] = Array.from({ length: runs }, () => []);
  for (const one of entries) {
    const run = prng.below(runs);
    spreaded[run]!.push(one);
    if (!prng.oneIn(20)) continue;
    const other = prng.below(runs);
    const kind = prng.oneIn(2) ? one.kind : ValueKind.Put;
    if (other !== run) spreaded[other]!.push({ ...one, kind, value: Buffer.from(`copy of ${run}`) });
  }
  return spreaded;
}

/** Writes each run as tables that are cut anywhere, and returns them with their numbers from `first` on. */
export function writeCutRuns(
  prng: Prng,
  storage: Storage,
  runs: readonly (readonly Entry[])[],
  change: () => Partial<TableOptions>,
): InputTable[][] {
  let number = 1;
  return runs.map((entries) => {
    const tables: InputTable[] = [];
    for (let at = 0; at < entries.length; ) {
      const end = prng.oneIn(3) ? entries.length : at + 1 + prng.below(entries.length - at);
      tables.push(writeTable(storage, number++, entries.slice(at, end), change()));
      at = end;
    }
    return tables;
  });
}

/** Ordered ranges that lie apart, between the keys given. */
export function randomRanges(
  prng: Prng,
  keys: readonly Uint8Array[],
): { smallest: Uint8Array; largest: Uint8Array }[] {
  const bounds = keys.filter(() => prng.oneIn(6));
  const ranges = [];
  for (let at = 0; at + 1 < bounds.length; at += 2) {
    if (at > 0 && compareBytes(bounds[at - 1]!, bounds[at]!) === 0) continue;
    ranges.push({ smallest: bounds[at]!, largest: prng.oneIn(3) ? bounds[at]! : bounds[at + 1]! });
  }
  return ranges;
}

/** User keys of the entries, each once, in order. */
export function userKeys(entries: readonly Entry[]): Uint8Array[] {
  const keys = new Map(entries.map(({ key }) => [Buffer.from(key).toString('hex'), key]));
  return [...keys.values()].sort(compareBytes);
}

export function boundsOf({ table }: Compacted['tables'][number]): UserKeyRange {
  return { smallest: userKeyOf(table.smallest), largest: userKeyOf(table.largest) };
}
