/**
 * What tests of the MemDB share: hostile keys, a plain model, and encoded batches. Keys and values are strings of one
 * character per byte, which order like bytes and are quick to compare.
 */
import { expect } from 'vitest';
import { type Arena, createArena } from '../arena/arena.ts';
import type { IndexKind } from '../arena/index-kind.ts';
import type { Prng } from '../base/prng.ts';
import type { InternalIterator } from '../iterator/internal-iterator.ts';
import {
  deleteRecordBytes,
  encodeDeleteRecord,
  encodePutRecord,
  putRecordBytes,
} from '../key/batch-record.ts';
import { ValueKind } from '../key/value-kind.ts';
import type { MemDb, MemDbReader, NodeRef } from './memdb.ts';

export interface Write {
  readonly key: string;
  /** Undefined: a delete. */
  readonly value: string | undefined;
}

export interface ModelEntry extends Write {
  readonly sequence: number;
}

export function put(key: string, value = ''): Write {
  return { key, value };
}

export function del(key: string): Write {
  return { key, value: undefined };
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end);
}

export function encodeRecords(writes: readonly Write[]): Uint8Array {
  let size = 0;
  for (const { key, value } of writes) {
    size += value === undefined ? deleteRecordBytes(key.length) : putRecordBytes(key.length, value.length);
  }
  const records = new Uint8Array(size);
  let at = 0;
  for (const { key, value } of writes) {
    at =
      value === undefined
        ? encodeDeleteRecord(records, at, bytesOf(key))
        : encodePutRecord(records, at, bytesOf(key), bytesOf(value));
  }
  return records;
}

export function activeArena(kind: IndexKind, kvBytes: number, baseSequence = 0, commonPrefix = ''): Arena {
  const arena = createArena({ kind, kvBytes });
  arena.activate(baseSequence, bytesOf(commonPrefix));
  return arena;
}

/** Internal-key order: user key ascending, then newest first. */
export function compareEntries(left: ModelEntry, right: ModelEntry): number {
  if (left.key !== right.key) return left.key < right.key ? -1 : 1;
  return right.sequence - left.sequence;
}

/** An entry in one line, for comparisons and messages. */
export function lineOf({ key, sequence, value }: ModelEntry): string {
  return value === undefined ? `${key}#${sequence},DEL` : `${key}#${sequence},PUT=${value}`;
}

/** Compares line by line, as comparing whole lists takes a second for some ten thousand. */
export function expectLines(actual: readonly string[], expected: readonly string[], hint = ''): void {
  const differing = expected.findIndex((line, i) => actual[i] !== line);
  if (differing >= 0) expect(actual[differing], `${hint} line ${differing}`).toBe(expected[differing]);
  expect(actual.length, hint).toBe(expected.length);
}

/** What a MemDB must agree with: a plain list, sorted when it is looked at. */
export class MemDbModel {
  readonly entries: ModelEntry[] = [];
  readonly #versions = new Map<string, ModelEntry[]>();

  insert(writes: readonly Write[], firstSequence: number): void {
    for (const [i, { key, value }] of writes.entries()) {
      const entry = { key, value, sequence: firstSequence + i };
      const versions = this.#versions.get(key);
      if (versions === undefined) this.#versions.set(key, [entry]);
      else versions.push(entry);
      this.entries.push(entry);
    }
  }

  /** The first `count` entries in internal-key order. */
  sorted(count: number = this.entries.length): ModelEntry[] {
    return this.entries.slice(0, count).sort(compareEntries);
  }

  lines(count: number = this.entries.length): string[] {
    return this.sorted(count).map(lineOf);
  }

  find(key: string, sequence: number): string | undefined {
    const found = this.#versions.get(key)?.findLast((entry) => entry.sequence <= sequence);
    return found && lineOf(found);
  }
}

/** Inserts into both. */
export function insertBoth(
  memdb: MemDb,
  model: MemDbModel,
  writes: readonly Write[],
  firstSequence: number,
): void {
  const records = encodeRecords(writes);
  memdb.insert(records, 0, records.length, writes.length, firstSequence);
  model.insert(writes, firstSequence);
}

export function lineAt(memdb: MemDbReader, node: NodeRef): string {
  const { kvData } = memdb.arena;
  const keyOffset = memdb.keyOffset(node);
  const valueOffset = memdb.valueOffset(node);
  const isPut = memdb.valueKind(node) === ValueKind.Put;
  const key = textOf(kvData, keyOffset, keyOffset + memdb.keyLength(node));
  const value = textOf(kvData, valueOffset, valueOffset + memdb.valueLength(node));
  return lineOf({ key, sequence: memdb.sequence(node), value: isPut ? value : undefined });
}

export function findLine(memdb: MemDbReader, key: string, sequence: number): string | undefined {
  const bytes = bytesOf(key);
  const node = memdb.find(bytes, 0, bytes.length, sequence);
  return node === 0 ? undefined : lineAt(memdb, node);
}

export function currentLine(iterator: InternalIterator): string {
  const key = textOf(iterator.keyBytes, iterator.keyStart, iterator.keyEnd);
  const value = textOf(iterator.valueBytes, iterator.valueStart, iterator.valueEnd);
  const isPut = iterator.kind === ValueKind.Put;
  return lineOf({ key, sequence: iterator.sequence, value: isPut ? value : undefined });
}

export function forwards(iterator: InternalIterator): string[] {
  const lines: string[] = [];
  for (iterator.first(); iterator.valid; iterator.next()) lines.push(currentLine(iterator));
  return lines;
}

export function backwards(iterator: InternalIterator): string[] {
  const lines: string[] = [];
  for (iterator.last(); iterator.valid; iterator.prev()) lines.push(currentLine(iterator));
  return lines;
}

/** Keys on which sorting and searching by prefixes go wrong first. `commonPrefix` is one that many of them share. */
export class HostileKeys {
  readonly #prng: Prng;
  readonly #commonPrefix: string;
  readonly #used: string[] = [];

  constructor(prng: Prng, commonPrefix: string) {
    this.#prng = prng;
    this.#commonPrefix = commonPrefix;
  }

  /** A key, half of the time one that was given before. */
  next(): string {
    const used = this.#used;
    if (used.length > 0 && this.#prng.oneIn(2)) return used[this.#prng.below(used.length)]!;
    const key = this.#fresh();
    used.push(key);
    return key;
  }

  /** A key near one that was given before: shorter, longer, or one byte off. */
  neighbour(): string {
    const prng = this.#prng;
    const key = this.next();
    const at = prng.below(key.length + 1);
    switch (prng.below(3)) {
      case 0:
        return key.slice(0, at);
      case 1:
        return key + (prng.oneIn(2) ? '\0' : this.#byte());
      default:
        return key.slice(0, at) + this.#byte() + key.slice(at + 1);
    }
  }

  #byte(): string {
    return String.fromCharCode(this.#prng.below(256));
  }

  #fresh(): string {
    const prng = this.#prng;
    const prefix = this.#commonPrefix;
    switch (prng.below(8)) {
      case 0:
        return '';
      case 1: // zero-padded neighbours: a, a\0, a\0\0b
        return `${prefix}a${'\0'.repeat(prng.below(12))}${prng.oneIn(3) ? 'b' : ''}`;
      case 2:
        return prefix + '\xff'.repeat(prng.below(12)) + (prng.oneIn(3) ? this.#byte() : '');
      case 3: // differ late
        return `${prefix}${'long-and-the-same-'.repeat(4)}${prng.below(50)}`;
      case 4: // each the prefix of the next
        return prefix + 'x'.repeat(prng.below(40));
      case 5: // outside the common prefix: before, behind, or ending within it
        return prefix.slice(0, prng.below(prefix.length + 1)) + (prng.oneIn(2) ? this.#byte() : '');
      case 6:
        return prefix + String(prng.below(1000)).padStart(11, '0');
      default:
        return prefix + this.#byte() + this.#byte() + this.#byte();
    }
  }
}
