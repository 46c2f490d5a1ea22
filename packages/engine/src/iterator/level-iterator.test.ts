import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { expect, test } from 'vitest';
import { StorePicture } from '../read/store-picture.test-support.ts';
import { current, entries, literal, type VersionedEntry } from './entry-run.test-support.ts';
import { LevelIterator } from './level-iterator.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_108);

const bytes = (text: string): Uint8Array => Buffer.from(text);

function open(runs: VersionedEntry[][], schedule?: (complete: () => void) => void) {
  const options = { maxOpenFiles: 1, cacheBytes: 0, ...(schedule && { schedule }) };
  const picture = new StorePicture({ levels: [[], runs] }, options);
  const level = new LevelIterator(picture.levels[1]!, picture.tables, picture.blocks.source(false));
  return { picture, level };
}

test('nothing is opened before the first move, and one table at a time after it', () => {
  const { picture, level } = open([entries('a#1=x b#2=y'), entries('c#3=z'), entries('d#4')]);
  expect([level.valid, level.blocked, picture.tables.openTables]).toEqual([false, false, 0]);
  const seen: (string | undefined)[] = [];
  level.first();
  for (level.unblockNow(); level.valid; level.unblockNow()) {
    seen.push(current(level));
    expect(picture.tables.openTables).toBeLessThanOrEqual(2);
    level.next();
  }
  expect(seen).toEqual(['a#1=x', 'b#2=y', 'c#3=z', 'd#4']);
  level.release();
  expect(picture.tables.openTables).toBe(1);
});

test('a level without tables has no entries', () => {
  const { level } = open([]);
  level.first();
  expect([level.valid, level.blocked]).toEqual([false, false]);
  level.last();
  level.seek(bytes('a'), 0, 1, 1);
  level.seekBefore(bytes('a'), 0, 1, 1);
  expect([level.valid, level.blocked]).toEqual([false, false]);
  level.release();
});

test('the target of a seek may be reused once the call has returned, though the move is not done', () => {
  const { level } = open([entries('a#1=x'), entries('k#2=y m#3=z')]);
  const target = bytes('l');
  level.seek(target, 0, 1, MAX_SEQUENCE);
  expect(level.blocked).toBe(true);
  target.fill(0);
  level.unblockNow();
  expect(current(level)).toBe('m#3=z');
  const before = bytes('l');
  level.seekBefore(before, 0, 1, MAX_SEQUENCE);
  before.fill(0);
  level.unblockNow();
  expect(current(level)).toBe('k#2=y');
});

test('a blocking twin may finish a move that is being waited for', async () => {
  const waiting: (() => void)[] = [];
  const { picture, level } = open(
    [entries('a#1=x'), entries('b#2=y')],
    (complete) => void waiting.push(complete),
  );
  level.last();
  const unblocked = level.unblock();
  level.unblockNow();
  expect(current(level)).toBe('b#2=y');
  level.prev();
  level.unblockNow();
  expect(current(level)).toBe('a#1=x');
  const turn = setInterval(() => waiting.shift()?.(), 0);
  await unblocked;
  expect(current(level)).toBe('a#1=x');
  level.release();
  await picture.tables.close();
  clearInterval(turn);
  expect(picture.tables.openTables).toBe(0);
});

test('released while it waits for a table, it does not keep the table that comes', async () => {
  const waiting: (() => void)[] = [];
  const { picture, level } = open([entries('a#1=x')], (complete) => void waiting.push(complete));
  level.first();
  const unblocked = level.unblock();
  level.release();
  const turn = setInterval(() => waiting.shift()?.(), 0);
  await unblocked;
  clearInterval(turn);
  expect([level.valid, level.blocked]).toEqual([false, false]);
  picture.tables.evict(picture.levels[1]![0]!.number);
  expect(picture.tables.openTables).toBe(0);
});

test(`walks at random over tables as over one sorted array (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  for (let round = 0; round < 25; round++) {
    const all = randomRun(prng);
    const tables: VersionedEntry[][] = [];
    for (let start = 0; start < all.length; start += tables.at(-1)!.length) {
      tables.push(all.slice(start, start + 1 + prng.below(12)));
    }
    const { picture, level } = open(tables);
    let at = -1;
    for (let step = 0; step < 60; step++) {
      const move = prng.below(8);
      const key = randomKey(prng);
      const sequence = prng.oneIn(4) ? MAX_SEQUENCE : prng.below(100);
      const lastBefore = all.findLastIndex((one) => {
        const order = compareBytes(one.key, key);
        return order < 0 || (order === 0 && one.sequence > sequence);
      });
      if (move === 0) level.first();
      else if (move === 1) level.last();
      else if (move === 2) level.seek(key, 0, key.length, sequence);
      else if (move === 3) level.seekBefore(key, 0, key.length, sequence);
      else if (at < 0 || at >= all.length) continue;
      else if (move < 6) level.next();
      else level.prev();
      at = [0, all.length - 1, lastBefore + 1, lastBefore, at + 1, at + 1, at - 1, at - 1][move]!;
      if (prng.oneIn(2)) await level.unblock();
      else level.unblockNow();
      const expected = all[at];
      expect(current(level), `seed ${SEED}, round ${round}, step ${step}, move ${move}`).toBe(
        expected === undefined ? undefined : literal(expected),
      );
    }
    level.release();
    await picture.tables.close();
    expect(picture.tables.openTables).toBe(0);
  }
});

function randomKey(prng: Prng): Uint8Array {
  return bytes('abcdefghijklmnopqrstuvwxyz'.charAt(prng.below(26)).repeat(1 + prng.below(2)));
}

/** In order, each (key, sequence) once. */
function randomRun(prng: Prng): VersionedEntry[] {
  const run = Array.from({ length: prng.below(90) }, (_, i) => {
    const kind = prng.oneIn(4) ? ValueKind.Delete : ValueKind.Put;
    return {
      key: randomKey(prng),
      sequence: i + 1,
      kind,
      value: bytes(kind === ValueKind.Put ? `v${i}` : ''),
    };
  });
  return run.sort((a, b) => compareBytes(a.key, b.key) || b.sequence - a.sequence);
}
