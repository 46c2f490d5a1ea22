/**
 * The records of the catalog: what the lists of an epoch are, as a change to those of the one before. Little-endian:
 *
 *     │ bytes u32 │ epoch u32 │ next arena u32 │ n u32, n arenas in use │ m u32, m × (arena, generation) │ version edit │
 *
 * "In use" are all arenas that the owner may name again: a thread forgets the others below `next arena`. The m arenas are
 * the active one, then the frozen ones, newest first. The version edit is LevelDB's; it may be empty.
 */
import { decodeVersionEdit, encodeVersionEdit, type VersionEdit } from '../../manifest/version-edit.ts';
import type { Levels } from '../../version/version.ts';

export interface PlacedArena {
  readonly id: number;
  readonly generation: number;
}

export interface CatalogRecord {
  readonly epoch: number;
  readonly nextArena: number;
  readonly arenasInUse: readonly number[];
  /** Active first. */
  readonly arenas: readonly PlacedArena[];
  readonly edit: VersionEdit;
}

const U32 = 4;
const FIXED_WORDS = 5;

export function encodeRecord(record: CatalogRecord): Uint8Array<ArrayBuffer> {
  const { arenasInUse, arenas } = record;
  const edit = encodeVersionEdit(record.edit);
  const words = FIXED_WORDS + arenasInUse.length + 2 * arenas.length;
  const bytes = new Uint8Array(words * U32 + edit.length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (value: number): void => {
    view.setUint32(at, value, true);
    at += U32;
  };
  put(bytes.length);
  put(record.epoch);
  put(record.nextArena);
  put(arenasInUse.length);
  for (const id of arenasInUse) put(id);
  put(arenas.length);
  for (const { id, generation } of arenas) {
    put(id);
    put(generation);
  }
  bytes.set(edit, at);
  return bytes;
}

/** Bytes of the record at `at`. */
export function recordBytes(bytes: Uint8Array, at: number): number {
  return viewOf(bytes).getUint32(at, true);
}

export function recordEpoch(bytes: Uint8Array, at: number): number {
  return viewOf(bytes).getUint32(at + U32, true);
}

export function decodeRecord(bytes: Uint8Array, start: number): CatalogRecord {
  const view = viewOf(bytes);
  let at = start;
  const take = (): number => {
    const value = view.getUint32(at, true);
    at += U32;
    return value;
  };
  const end = start + take();
  const epoch = take();
  const nextArena = take();
  const arenasInUse = Array.from({ length: take() }, take);
  const arenas = Array.from({ length: take() }, () => ({ id: take(), generation: take() }));
  return { epoch, nextArena, arenasInUse, arenas, edit: decodeVersionEdit(bytes, at, end, 'catalog', at) };
}

/** What makes `to` out of `from`. The cost is that of the levels that differ. */
export function editBetween(from: Levels, to: Levels): VersionEdit {
  const deletedTables: NonNullable<VersionEdit['deletedTables']>[number][] = [];
  const newTables: NonNullable<VersionEdit['newTables']>[number][] = [];
  for (let level = 0; level < to.length; level++) {
    const before = from[level]!;
    const after = to[level]!;
    if (before === after) continue;
    const kept = new Set(after.map(({ number }) => number));
    const known = new Set(before.map(({ number }) => number));
    for (const { number } of before) if (!kept.has(number)) deletedTables.push({ level, number });
    for (const table of after) if (!known.has(table.number)) newTables.push({ level, table });
  }
  return { deletedTables, newTables };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
