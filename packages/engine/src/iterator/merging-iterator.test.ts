import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { describe, expect, test } from 'vitest';
import {
  current,
  EntryRun,
  entries,
  literal,
  NEVER_BLOCKED,
  randomBlocking,
  sorted,
  type VersionedEntry,
} from './entry-run.test-support.ts';
import { MergingIterator, mergeIterators } from './merging-iterator.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_101);

const bytes = (text: string): Uint8Array => Buffer.from(text);

function merge(...runs: string[]): MergingIterator {
  return new MergingIterator(runs.map((run) => new EntryRun(entries(run))));
}

function forward(iterator: MergingIterator): string[] {
  const seen: string[] = [];
  for (iterator.first(); iterator.valid; iterator.next()) seen.push(current(iterator)!);
  return seen;
}

function backward(iterator: MergingIterator): string[] {
  const seen: string[] = [];
  for (iterator.last(); iterator.valid; iterator.prev()) seen.push(current(iterator)!);
  return seen;
}

describe('MergingIterator', () => {
  test('gives all entries of its children in order, versions newest first', () => {
    const runs = ['b#9=n d#8', 'a#5=x b#4=o', 'b#1=p c#2=y'];
    expect(forward(merge(...runs))).toEqual(['a#5=x', 'b#9=n', 'b#4=o', 'b#1=p', 'c#2=y', 'd#8']);
    expect(backward(merge(...runs))).toEqual(['d#8', 'c#2=y', 'b#1=p', 'b#4=o', 'b#9=n', 'a#5=x']);
  });

  test('is empty with no children, and with empty ones', () => {
    for (const iterator of [merge(), merge(''), merge('', '', '')]) {
      expect(forward(iterator)).toEqual([]);
      expect(backward(iterator)).toEqual([]);
      iterator.seek(bytes('a'), 0, 1, 1);
      expect(iterator.valid).toBe(false);
    }
  });

  test('one child needs no merge', () => {
    const only = new EntryRun(entries('a#1=x'));
    expect(mergeIterators([only])).toBe(only);
  });

  test('of an entry that two children hold, the newer child comes first in both directions of travel', () => {
    const runs = ['k#5=newer', 'j#1=a k#5=older l#2=b'];
    expect(forward(merge(...runs))).toEqual(['j#1=a', 'k#5=newer', 'k#5=older', 'l#2=b']);
    expect(backward(merge(...runs))).toEqual(['l#2=b', 'k#5=older', 'k#5=newer', 'j#1=a']);
  });

  test('turning around at a repeated entry neither skips nor repeats it', () => {
    const iterator = merge('k#5=newer', 'j#1=a k#5=older l#2=b');
    iterator.seek(bytes('k'), 0, 1, 5);
    expect(current(iterator)).toBe('k#5=newer');
    iterator.next();
    expect(current(iterator)).toBe('k#5=older');
    iterator.prev();
    expect(current(iterator)).toBe('k#5=newer');
    iterator.next();
    iterator.next();
    expect(current(iterator)).toBe('l#2=b');
    iterator.prev();
    iterator.prev();
    iterator.prev();
    expect(current(iterator)).toBe('j#1=a');
  });

  test('releases every child once', () => {
    const runs = [new EntryRun(entries('a#1=x')), new EntryRun([])];
    const iterator = new MergingIterator(runs);
    iterator.first();
    iterator.release();
    expect(iterator.valid).toBe(false);
    expect(runs.map((run) => run.released)).toEqual([true, true]);
  });

  test('released while it waits, it has no entry when the load ends', async () => {
    let resolve: () => void = () => {};
    const blocking = {
      isBlocked: () => true,
      load: () =>
        new Promise<void>((done) => {
          resolve = done;
        }),
      loadNow: () => {},
    };
    const iterator = new MergingIterator([
      new EntryRun(entries('a#1=x')),
      new EntryRun(entries('b#2=y'), blocking),
    ]);
    iterator.first();
    const unblocked = iterator.unblock();
    iterator.release();
    resolve();
    await unblocked;
    expect([iterator.valid, iterator.blocked]).toEqual([false, false]);
  });

  test('blocked children load at the same time', async () => {
    let loading = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const blocking = {
      isBlocked: () => true,
      load: () => {
        most = Math.max(most, ++loading);
        return new Promise<void>((resolve) => waiting.push(resolve)).then(() => void loading--);
      },
      loadNow: () => {},
    };
    const iterator = new MergingIterator([
      new EntryRun(entries('a#1=x'), blocking),
      new EntryRun(entries('b#2=y')),
      new EntryRun(entries('c#3=z'), blocking),
    ]);
    iterator.first();
    expect([iterator.blocked, iterator.valid]).toEqual([true, false]);
    const unblocked = iterator.unblock();
    expect(most).toBe(2);
    for (const resolve of waiting) resolve();
    await unblocked;
    expect(current(iterator)).toBe('a#1=x');
  });

  test('a load that fails is reported', async () => {
    const failure = new Error('disk on fire');
    const blocking = {
      isBlocked: () => true,
      load: () => Promise.reject(failure),
      loadNow: () => {
        throw failure;
      },
    };
    const iterator = new MergingIterator([new EntryRun([]), new EntryRun(entries('a#1=x'), blocking)]);
    iterator.first();
    await expect(iterator.unblock()).rejects.toBe(failure);
    expect(() => iterator.unblockNow()).toThrow(failure);
  });

  test(`walks at random as a sorted array does, blocked or not (seed ${SEED})`, async () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 40; round++) {
      const runs = randomRuns(prng);
      const all = sorted(runs.flat());
      const blocking = round % 3 === 0 ? NEVER_BLOCKED : randomBlocking(prng, 3);
      const iterator = new MergingIterator(runs.map((run) => new EntryRun(run, blocking)));
      let at = -1;
      for (let step = 0; step < 120; step++) {
        const move = prng.below(8);
        const key = randomKey(prng);
        const sequence = prng.oneIn(4) ? MAX_SEQUENCE : prng.below(200);
        const lastBefore = before(all, key, sequence);
        if (move === 0) iterator.first();
        else if (move === 1) iterator.last();
        else if (move === 2) iterator.seek(key, 0, key.length, sequence);
        else if (move === 3) iterator.seekBefore(key, 0, key.length, sequence);
        else if (at < 0 || at >= all.length) continue;
        else if (move < 6) iterator.next();
        else iterator.prev();
        at = [0, all.length - 1, lastBefore + 1, lastBefore, at + 1, at + 1, at - 1, at - 1][move]!;
        while (iterator.blocked) {
          expect(iterator.valid).toBe(false);
          if (prng.oneIn(2)) await iterator.unblock();
          else iterator.unblockNow();
        }
        const expected = all[at];
        expect(current(iterator), `seed ${SEED}, round ${round}, step ${step}, move ${move}`).toBe(
          expected === undefined ? undefined : literal(expected),
        );
      }
    }
  });
});

/** Index of the last entry before (key, sequence). */
function before(all: readonly VersionedEntry[], key: Uint8Array, sequence: number): number {
  let index = -1;
  for (const one of all) {
    const order = Buffer.compare(one.key, key);
    if (order > 0 || (order === 0 && one.sequence <= sequence)) break;
    index++;
  }
  return index;
}

function randomKey(prng: Prng): Uint8Array {
  return bytes('abcdefghijklmnopqrstuvwxyz'.charAt(prng.below(26)).repeat(1 + prng.below(2)));
}

/** Up to seven runs in which every (key, sequence) pair is unique. */
function randomRuns(prng: Prng): VersionedEntry[][] {
  const runs: VersionedEntry[][] = Array.from({ length: 1 + prng.below(7) }, () => []);
  const count = prng.below(80);
  for (let sequence = 1; sequence <= count; sequence++) {
    const kind = prng.oneIn(4) ? ValueKind.Delete : ValueKind.Put;
    const value = kind === ValueKind.Put ? bytes(`v${sequence}`) : bytes('');
    runs[prng.below(runs.length)]!.push({ key: randomKey(prng), sequence, kind, value });
  }
  return runs;
}
