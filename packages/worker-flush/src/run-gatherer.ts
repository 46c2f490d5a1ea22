/**
 * Gathers the entries of a piece in a MemDB, numbered in the order of the source. How many come is not known before: the
 * arena is replaced by one twice as large when it is full. It serves the next piece of the thread, too, as the first touch of
 * memory costs more than the entries that go there.
 */
import { type Arena, createArena } from '@arena-level/common/arena/arena';
import { MIB } from '@arena-level/common/base/limits';
import { BATCH_HEADER_BYTES } from '@arena-level/common/key/batch-record';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import { type MemDb, MemDbKind, type MemDbReader } from '@arena-level/common/memdb/memdb';
import type { BatchSink } from './batch-encoder.ts';

/** Enough for pieces of the default size; what is not used of it is never touched. */
const FIRST_KV_BYTES: number = 8 * MIB;
/** One that is larger is not kept. */
const MAX_SPARE_BYTES: number = 128 * MIB;

/** Of the piece before, with nothing in it that counts. */
let spare: Arena | undefined;

export class RunGatherer implements BatchSink {
  #memdb: MemDb | undefined;
  #entries = 0;

  add(bytes: Uint8Array<ArrayBuffer>, end: number, entries: number): void {
    const recordBytes = end - BATCH_HEADER_BYTES;
    this.#memdb ??= begun(takeSpare() ?? newArena(FIRST_KV_BYTES, 0));
    if (!this.#memdb.fits(recordBytes, entries)) this.#memdb = this.#grown(this.#memdb, recordBytes, entries);
    this.#memdb.insert(bytes, BATCH_HEADER_BYTES, end, entries, this.#entries + 1);
    this.#entries += entries;
  }

  /** REQUIRES: an entry. */
  get reader(): MemDbReader {
    return this.#memdb!;
  }

  /** Lets go of the entries. */
  release(): void {
    if (this.#memdb === undefined) return;
    const { arena } = this.#memdb;
    this.#memdb = undefined;
    arena.abandon();
    if (arena.shared.byteLength <= MAX_SPARE_BYTES) spare = arena;
  }

  #grown(full: MemDb, recordBytes: number, entries: number): MemDb {
    const { kvData, kvBytesUsed } = full.arena;
    const count = this.#entries;
    const kvBytes = Math.max(2 * kvBytesUsed, kvBytesUsed + recordBytes);
    const grown = begun(newArena(kvBytes, Math.max(2 * count, count + entries)));
    if (count > 0) grown.insert(kvData, 0, kvBytesUsed, count, 1);
    return grown;
  }
}

function takeSpare(): Arena | undefined {
  const arena = spare;
  spare = undefined;
  return arena;
}

function newArena(kvBytes: number, entries: number): Arena {
  return createArena({ kind: MemDbKind.Hash, kvBytes, entries });
}

function begun(arena: Arena): MemDb {
  arena.activate(0);
  return createMemDb(arena);
}
