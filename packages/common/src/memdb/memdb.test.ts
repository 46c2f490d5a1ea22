import { describe, expect, test } from 'vitest';
import { createArena } from '../arena/arena.ts';
import { ArenaState } from '../arena/arena-state.ts';
import { IndexKind } from '../arena/index-kind.ts';
import { MAX_SEQUENCE_DELTA } from '../arena/layout.ts';
import { ErrorCode } from '../base/errors.ts';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { attachMemDb, createMemDb } from './create-memdb.ts';
import {
  activeArena,
  bytesOf,
  del,
  encodeRecords,
  expectLines,
  findLine,
  forwards,
  insertBoth,
  lineOf,
  MemDbModel,
  put,
} from './memdb.test-support.ts';
import type { MemDb } from './memdb.ts';

const kinds = Object.values(IndexKind).map((kind) => ({ kind }));

describe.each(kinds)('a MemDB of kind $kind', ({ kind }) => {
  test('finds the version of a key that was current at each sequence number', () => {
    const base = 1000;
    const memdb = createMemDb(activeArena(kind, 64 * 1024, base));
    const model = new MemDbModel();
    for (let i = 0; i < 40; i++) {
      const writes = [put('other', `o${i}`), i % 5 === 4 ? del('key') : put('key', `v${i}`)];
      insertBoth(memdb, model, writes, base + 1 + i * 7);
    }
    for (let sequence = base - 2; sequence < base + 300; sequence++) {
      expect(findLine(memdb, 'key', sequence), `at ${sequence}`).toBe(model.find('key', sequence));
    }
    expect(findLine(memdb, 'key', 0)).toBeUndefined();
    for (const absent of ['', 'ke', 'key\0', 'kez']) {
      expect(findLine(memdb, absent, MAX_SEQUENCE)).toBeUndefined();
    }
  });

  test('keeps empty keys, empty values and tombstones apart', () => {
    const memdb = createMemDb(activeArena(kind, 1024));
    insertBoth(memdb, new MemDbModel(), [put('', ''), del(''), put('a', ''), del('b')], 1);
    expect(findLine(memdb, '', 1)).toBe('#1,PUT=');
    expect(findLine(memdb, '', 2)).toBe('#2,DEL');
    expect(forwards(memdb.iterator())).toEqual(['#2,DEL', '#1,PUT=', 'a#3,PUT=', 'b#4,DEL']);
  });

  test('finds keys and values of every length at which the varint of the length grows', () => {
    const memdb = createMemDb(activeArena(kind, 2 ** 20));
    const model = new MemDbModel();
    for (const length of [0, 1, 127, 128, 129, 16_383, 16_384, 16_385]) {
      const writes = [put('k'.repeat(length), 'short'), put(`v${length}`, 'v'.repeat(length))];
      insertBoth(memdb, model, writes, 1 + memdb.count);
    }
    expectLines(forwards(memdb.iterator()), model.lines());
    for (const entry of model.entries) expect(findLine(memdb, entry.key, MAX_SEQUENCE)).toBe(lineOf(entry));
  });

  test('copies records, also from the middle of a buffer, so that the caller can use it again', () => {
    for (const valueLength of [3, 500]) {
      const memdb = createMemDb(activeArena(kind, 4096));
      const model = new MemDbModel();
      const writes = [put('k1', 'v'.repeat(valueLength)), put('k2', 'two')];
      const records = encodeRecords(writes);
      const buffer = new Uint8Array(records.length + 20);
      buffer.set(records, 7);
      memdb.insert(buffer, 7, 7 + records.length, 2, 1);
      buffer.fill(0xee);
      model.insert(writes, 1);
      expectLines(forwards(memdb.iterator()), model.lines());
    }
  });

  test('fits exactly what its bytes hold, and not one byte more', () => {
    const writes = [put('key', 'value'), del('gone')];
    const size = encodeRecords(writes).length;
    for (const spare of [-1, 0, 1]) {
      const memdb = createMemDb(activeArena(kind, size + spare));
      const insertion = (): void => insertBoth(memdb, new MemDbModel(), writes, 1);
      expect(memdb.freeRecordBytes).toBe(size + spare);
      expect(memdb.fits(size, 2)).toBe(spare >= 0);
      if (spare < 0) expect(insertion).toThrow(/fits/);
      else insertion();
      expect(memdb.freeRecordBytes).toBe(spare < 0 ? size + spare : spare);
      expect(memdb.count).toBe(spare < 0 ? 0 : 2);
    }
  });

  test('fits as many entries as it says, whatever nodes they get', () => {
    const arena = createArena({ kind, kvBytes: 64 * 1024, nodeWords: 4000 });
    arena.activate(0);
    const memdb = createMemDb(arena);
    const model = new MemDbModel();
    expect(memdb.freeEntries).toBeGreaterThan(100);
    while (memdb.freeEntries > 0) {
      const free = memdb.freeEntries;
      const answers = [free - 1, free, free + 1].map((entries) => memdb.fits(0, entries));
      expect(answers).toEqual([true, true, false]);
      const writes = Array.from({ length: Math.ceil(free / 2) }, (_, i) => put(`${memdb.count}/${i}`));
      insertBoth(memdb, model, writes, memdb.count + 1);
    }
    expect(() => insertBoth(memdb, model, [put('one too many')], memdb.count + 1)).toThrow(/fits/);
    expectLines(forwards(memdb.iterator()), model.lines());
  });

  test('leaves everything as it was when records turn out malformed, and goes on', () => {
    const memdb = createMemDb(activeArena(kind, 64 * 1024));
    const model = new MemDbModel();
    insertBoth(memdb, model, [put('a', '1'), put('b', '2'), del('c')], 1);
    const records = encodeRecords([put('a', 'new'), put('long key', 'v'.repeat(200)), del('b')]);
    const { header } = memdb.arena;
    const before = header.slice();
    const refuse = (bytes: Uint8Array, entries: number, hint: string): void => {
      expect(() => memdb.insert(bytes, 0, bytes.length, entries, 10), hint).toThrow();
      expect(header.slice(), hint).toEqual(before);
    };
    for (let length = 0; length < records.length; length++)
      refuse(records.slice(0, length), 3, `cut at ${length}`);
    refuse(records, 2, 'more bytes than records');
    refuse(records, 4, 'more records than bytes');
    refuse(Uint8Array.of(2, ...records.slice(1)), 3, 'unknown kind');
    refuse(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0x7f), 1, 'key length beyond 32 bits');
    refuse(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0x0f), 1, 'key length beyond the batch');
    expectLines(forwards(memdb.iterator()), model.lines());
    insertBoth(memdb, model, [put('a', '3'), put('d', '4')], 10);
    expectLines(forwards(memdb.iterator()), model.lines());
    expect(findLine(memdb, 'a', MAX_SEQUENCE)).toBe('a#10,PUT=3');
    expect(findLine(memdb, 'b', MAX_SEQUENCE)).toBe('b#2,PUT=2');
  });

  test('refuses sequence numbers that do not ascend or lie too far from its base', () => {
    const base = 2 ** 33;
    const memdb = createMemDb(activeArena(kind, 4096, base));
    const insertAt = (sequence: number, keys: string[]): void =>
      insertBoth(
        memdb,
        new MemDbModel(),
        keys.map((key) => put(key)),
        sequence,
      );
    insertAt(base + 5, ['a', 'b']);
    expect(() => insertAt(base + 6, ['c'])).toThrow(/ascend/);
    expect(() => insertAt(base - 1, ['c'])).toThrow(/ascend/);
    expect(() => insertAt(base + 7.5, ['c'])).toThrow(/ascend/);
    const greatest = base + MAX_SEQUENCE_DELTA;
    expect(() => insertAt(greatest, ['c', 'd'])).toThrow(
      expect.objectContaining({ code: ErrorCode.TooLarge }),
    );
    expect(memdb.count).toBe(2);
    insertAt(greatest, ['c']);
    expect(memdb.freeEntries).toBe(0);
    expect(forwards(memdb.iterator())).toEqual([
      `a#${base + 5},PUT=`,
      `b#${base + 6},PUT=`,
      `c#${greatest},PUT=`,
    ]);
  });

  test('takes writes from its owner only, and only while the arena is active', () => {
    const arena = activeArena(kind, 4096);
    const memdb = createMemDb(arena);
    const records = encodeRecords([put('a', '1')]);
    memdb.insert(records, 0, records.length, 1, 1);
    const reader = attachMemDb(arena) as MemDb;
    expect(() => reader.insert(records, 0, records.length, 1, 2)).toThrow(/owner/);
    expect(() => createMemDb(arena)).toThrow(/fresh/);
    arena.freeze();
    expect(() => memdb.insert(records, 0, records.length, 1, 2)).toThrow(/active/);
    expect(forwards(memdb.iterator())).toEqual(['a#1,PUT=1']);
    arena.abandon();
    expect(() => attachMemDb(arena)).toThrow(/free/);
  });

  test('begins empty in an arena that is used again', () => {
    const arena = activeArena(kind, 8192, 0, 'first:');
    const records = encodeRecords(Array.from({ length: 60 }, (_, i) => put(`first:${i}`, 'x')));
    createMemDb(arena).insert(records, 0, records.length, 60, 1);
    const firstGeneration = arena.generation;
    for (const state of [ArenaState.Frozen, ArenaState.Flushing, ArenaState.Flushed, ArenaState.Free]) {
      arena.transition(state);
    }
    arena.activate(100, bytesOf('second:'));
    expect(arena.generation).toBe(firstGeneration + 1);
    const memdb = createMemDb(arena);
    const model = new MemDbModel();
    expect(forwards(memdb.iterator())).toEqual([]);
    for (let i = 0; i < 60; i++) expect(findLine(memdb, `first:${i}`, MAX_SEQUENCE)).toBeUndefined();
    expect(memdb.freeRecordBytes).toBe(8192);
    insertBoth(memdb, model, [put('second:1', 'y'), put('first:7', 'z')], 101);
    expectLines(forwards(memdb.iterator()), model.lines());
  });

  test('says at which sequence number everything published is seen, in any thread and across gaps', () => {
    const memdb = createMemDb(activeArena(kind, 4096, 700));
    const attached = attachMemDb(memdb.arena);
    const lasts = (): number[] => [memdb.lastSequence, attached.lastSequence];
    expect(lasts()).toEqual([700, 700]);
    for (const isShared of [false, true]) {
      memdb.publishLinksAtomically = isShared;
      const first = memdb.lastSequence + 10;
      insertBoth(memdb, new MemDbModel(), [put('a'), put('b'), del('c')], first);
      expect(lasts()).toEqual([first + 2, first + 2]);
      memdb.passSequence(first + 50);
      expect(lasts()).toEqual([first + 50, first + 50]);
    }
    expect(() => memdb.passSequence(memdb.lastSequence - 1)).toThrow('a sequence number in range');
    expect(() => memdb.passSequence(700 + 2 ** 31)).toThrow('a sequence number in range');
  });

  test('reads the same through an attached reader as through its owner', () => {
    const arena = activeArena(kind, 64 * 1024, 7, 'k');
    const memdb = createMemDb(arena);
    const reader = attachMemDb(arena);
    const model = new MemDbModel();
    for (let i = 0; i < 20; i++) {
      insertBoth(memdb, model, [put(`k${i % 7}`, `v${i}`), put('k\0'), del(`${i}`)], 8 + 3 * i);
      expect(reader.count).toBe(memdb.count);
      expectLines(forwards(reader.iterator()), model.lines());
      expect(findLine(reader, 'k3', 30)).toBe(model.find('k3', 30));
    }
  });

  test('does not move an iterator that has arrived nowhere or was released', () => {
    const memdb = createMemDb(activeArena(kind, 4096));
    insertBoth(memdb, new MemDbModel(), [put('a')], 1);
    const iterator = memdb.iterator();
    expect(() => iterator.next()).toThrow(/moves on/);
    iterator.last();
    iterator.next();
    expect(iterator.valid).toBe(false);
    expect(() => iterator.prev()).toThrow(/moves on/);
    iterator.first();
    iterator.release();
    expect(iterator.valid).toBe(false);
  });
});
