import { Prng } from '@arena-level/common/base/prng';
import { compareBytes } from '@arena-level/common/bytes/compare';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { describe, expect, test } from 'vitest';
import type { Entry } from './entry-batch.ts';
import {
  entries,
  NEVER_BLOCKED,
  randomBlocking,
  type VersionedEntry,
  visibleEntries,
} from './entry-run.test-support.ts';
import type { StoreIteratorOptions } from './iterator-options.ts';
import { all, bytes, open, shown, text } from './store-iterator.test-support.ts';
import { MAX_PASSED_ENTRIES } from './visible-cursor.ts';

const SEED = Number(process.env['SEED'] ?? 20_260_102);

describe('what an iterator shows', () => {
  const layered = [entries('a#9 c#8=new'), entries('a#3=x b#4=y c#2=old d#5=z'), entries('b#1=w d#6')];

  test('the newest version of each key, without those that were deleted', async () => {
    expect(await all(open(layered).iterator)).toEqual(['b=y', 'c=new']);
    expect(await all(open(layered, { reverse: true }).iterator)).toEqual(['c=new', 'b=y']);
  });

  test('nothing that is newer than its sequence number', async () => {
    const expected = [
      [0, []],
      [1, ['b=w']],
      [2, ['b=w', 'c=old']],
      [3, ['a=x', 'b=w', 'c=old']],
      [5, ['a=x', 'b=y', 'c=old', 'd=z']],
      [6, ['a=x', 'b=y', 'c=old']],
      [8, ['a=x', 'b=y', 'c=new']],
      [9, ['b=y', 'c=new']],
    ] as const;
    for (const [sequence, visible] of expected) {
      expect(await all(open(layered, { sequence }).iterator)).toEqual(visible);
      expect(await all(open(layered, { sequence, reverse: true }).iterator)).toEqual([...visible].reverse());
    }
  });

  test('empty keys and empty values', async () => {
    const runs = [entries('#1= a#2=')];
    expect(await all(open(runs).iterator)).toEqual(['=', 'a=']);
    expect(await all(open(runs, { reverse: true }).iterator)).toEqual(['a=', '=']);
    expect(await all(open(runs, { gt: bytes('') }).iterator)).toEqual(['a=']);
    expect(await all(open(runs, { lte: bytes(''), reverse: true }).iterator)).toEqual(['=']);
    expect(await all(open(runs, { lt: bytes('') }).iterator)).toEqual([]);
  });

  test('all bounds that are given hold', async () => {
    const runs = [entries('a#1=1 b#2=2 c#3=3 d#4=4 e#5=5')];
    const cases: [StoreIteratorOptions, string][] = [
      [{ gt: bytes('b') }, 'c d e'],
      [{ gte: bytes('b') }, 'b c d e'],
      [{ lt: bytes('d') }, 'a b c'],
      [{ lte: bytes('d') }, 'a b c d'],
      [{ gt: bytes('a'), lt: bytes('e') }, 'b c d'],
      [{ gt: bytes('b'), gte: bytes('b') }, 'c d e'],
      [{ gt: bytes('a'), gte: bytes('c') }, 'c d e'],
      [{ gt: bytes('c'), gte: bytes('a') }, 'd e'],
      [{ lt: bytes('d'), lte: bytes('d') }, 'a b c'],
      [{ lt: bytes('e'), lte: bytes('b') }, 'a b'],
      [{ lt: bytes('b'), lte: bytes('e') }, 'a'],
      [{ gte: bytes('d'), lte: bytes('b') }, ''],
      [{ gt: bytes('c'), lt: bytes('c') }, ''],
      [{ gt: bytes('aa'), lte: bytes('cc') }, 'b c'],
      [{ gte: bytes('x') }, ''],
      [{ lt: bytes('A') }, ''],
    ];
    for (const [bounds, keys] of cases) {
      const expected = keys.split(' ').filter(Boolean);
      const seen = await all(open(runs, bounds).iterator);
      expect(seen.map((one) => one[0])).toEqual(expected);
      const reversed = await all(open(runs, { ...bounds, reverse: true }).iterator);
      expect(reversed.map((one) => one[0])).toEqual([...expected].reverse());
    }
  });

  test('only the part that is wanted', async () => {
    for (const reverse of [false, true]) {
      expect(await all(open([entries('a#1=x')], { values: false, reverse }).iterator)).toEqual(['a=']);
      expect(await all(open([entries('a#1=x')], { keys: false, reverse }).iterator)).toEqual(['=x']);
    }
  });

  test('copies: what the caller does to an entry changes neither the store nor the walk', async () => {
    const run = entries('aa#2=new aa#1=old bb#3=x');
    for (const reverse of [false, true]) {
      const { iterator } = open([run], { reverse, highWaterMarkBytes: 0 });
      const seen: string[] = [];
      for (let one = await iterator.next(); one !== undefined; one = await iterator.next()) {
        seen.push(shown(one)!);
        one[0].fill(0);
        one[1].fill(0);
      }
      expect(seen).toEqual(reverse ? ['bb=x', 'aa=new'] : ['aa=new', 'bb=x']);
    }
    expect(run.map((one) => text(one.value))).toEqual(['new', 'old', 'x']);
  });

  test('copies of the bounds and of the seek target: both may be reused', () => {
    const gte = bytes('b');
    const target = bytes('c');
    const { iterator } = open([entries('a#1=1 b#2=2 c#3=3 d#4=4')], { gte });
    gte[0] = 0x61;
    expect(shown(iterator.nextSync())).toBe('b=2');
    iterator.seek(target);
    target[0] = 0x7a;
    expect(shown(iterator.nextSync())).toBe('c=3');
  });

  test('memory of its own, not that of an arena', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(200)).fill(0x76);
    const run: VersionedEntry[] = [{ key: bytes('k'), sequence: 1, kind: ValueKind.Put, value: shared }];
    for (const reverse of [false, true]) {
      const [key, value] = open([run], { reverse }).iterator.nextSync()!;
      expect([key.buffer, value.buffer].map((buffer) => buffer instanceof ArrayBuffer)).toEqual([true, true]);
      expect(value.length).toBe(200);
    }
  });
});

describe('long runs of entries that are not seen', () => {
  const many = MAX_PASSED_ENTRIES * 3;

  test('a key with thousands of versions shows the newest one that the reader may see', async () => {
    const run: VersionedEntry[] = [...entries('a#1=first z#2=last')];
    for (let i = 3; i < many; i++)
      run.push({ key: bytes('m'), sequence: i, kind: ValueKind.Put, value: bytes(`${i}`) });
    for (const sequence of [2, 3, 40, many / 2, many - 1, many + 5]) {
      const middle = sequence < 3 ? [] : [`m=${Math.min(sequence, many - 1)}`];
      const expected = ['a=first', ...middle, 'z=last'];
      for (const blocking of [NEVER_BLOCKED, randomBlocking(new Prng(SEED), 50)]) {
        expect(await all(open([run], { sequence, blocking }).iterator)).toEqual(expected);
        expect(await all(open([run], { sequence, blocking, reverse: true }).iterator)).toEqual(
          expected.reverse(),
        );
        expected.reverse();
      }
    }
  });

  test('thousands of tombstones are passed in steps, with a look at the clock between them', async () => {
    const run: VersionedEntry[] = [...entries('a#1=first z#2=last')];
    for (let i = 0; i < many; i++) {
      run.push({
        key: bytes(`m${String(i).padStart(6, '0')}`),
        sequence: i + 3,
        kind: ValueKind.Delete,
        value: bytes(''),
      });
    }
    for (const reverse of [false, true]) {
      const { iterator, turns } = open([run], { reverse });
      turns.due = true;
      expect((await iterator.nextv(10)).map(shown)).toEqual(
        reverse ? ['z=last', 'a=first'] : ['a=first', 'z=last'],
      );
      expect(turns.taken).toBeGreaterThanOrEqual(3);
      const twin = open([run], { reverse }).iterator;
      expect(twin.nextvSync(10).length).toBe(2);
    }
  });
});

test(`walks as a sorted array does, whatever the bounds, direction, blocking and calls (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  for (let round = 0; round < 300; round++) {
    const runs = randomRuns(prng);
    const sequence = prng.below(150);
    const options = randomOptions(prng);
    const blocking = prng.oneIn(2) ? NEVER_BLOCKED : randomBlocking(prng, 1 + prng.below(5));
    const { iterator } = open(runs, { ...options, sequence, blocking });
    const visible = visibleEntries(runs.flat(), sequence).filter(({ key }) => inBounds(options, key));
    if (options.reverse) visible.reverse();
    let at = 0;
    let left = options.limit! < 0 ? Number.POSITIVE_INFINITY : options.limit!;
    for (let step = 0; step < 30; step++) {
      const context = `seed ${SEED}, round ${round}, step ${step}`;
      if (prng.oneIn(6)) {
        const target = randomKey(prng);
        iterator.seek(target);
        at = visible.findIndex(({ key }) =>
          options.reverse ? compareBytes(key, target) <= 0 : compareBytes(key, target) >= 0,
        );
        if (at < 0 || !inBounds(options, target)) at = visible.length;
        continue;
      }
      const size = prng.oneIn(3) ? 1 : 1 + prng.below(12);
      let batch: (Entry | undefined)[];
      if (size === 1) batch = [prng.oneIn(2) ? await iterator.next() : iterator.nextSync()].filter(Boolean);
      else batch = prng.oneIn(2) ? await iterator.nextv(size) : iterator.nextvSync(size);
      const expected = visible.slice(at, at + Math.min(batch.length || 1, left));
      expect(batch.map(shown), context).toEqual(
        expected.map(({ key, value }) => `${text(key)}=${text(value)}`),
      );
      at += batch.length;
      left -= batch.length;
    }
    iterator.close();
  }
});

function randomKey(prng: Prng): Uint8Array {
  const length = prng.below(4);
  return Uint8Array.from({ length }, () => [0x00, 0x61, 0x62, 0xff][prng.below(4)]!);
}

function randomRuns(prng: Prng): VersionedEntry[][] {
  const runs: VersionedEntry[][] = Array.from({ length: 1 + prng.below(5) }, () => []);
  const count = prng.below(130);
  for (let sequence = 1; sequence <= count; sequence++) {
    const kind = prng.oneIn(3) ? ValueKind.Delete : ValueKind.Put;
    const value = kind === ValueKind.Put ? bytes(`v${sequence}`) : bytes('');
    runs[prng.below(runs.length)]!.push({ key: randomKey(prng), sequence, kind, value });
  }
  return runs;
}

function randomOptions(prng: Prng): StoreIteratorOptions {
  const options: Record<string, unknown> = {
    reverse: prng.oneIn(2),
    limit: prng.oneIn(3) ? prng.below(30) : -1,
  };
  for (const bound of ['gt', 'gte', 'lt', 'lte']) if (prng.oneIn(5)) options[bound] = randomKey(prng);
  if (prng.oneIn(3)) options['highWaterMarkBytes'] = prng.below(20);
  return options;
}

function inBounds({ gt, gte, lt, lte }: StoreIteratorOptions, key: Uint8Array): boolean {
  return (
    (gt === undefined || compareBytes(key, gt) > 0) &&
    (gte === undefined || compareBytes(key, gte) >= 0) &&
    (lt === undefined || compareBytes(key, lt) < 0) &&
    (lte === undefined || compareBytes(key, lte) <= 0)
  );
}
