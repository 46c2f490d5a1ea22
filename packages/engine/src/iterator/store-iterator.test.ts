import { ErrorCode } from '@arena-level/common/base/errors';
import { describe, expect, test } from 'vitest';
import type { CursorBatch, Entry } from './entry-batch.ts';
import { type Blocking, entries } from './entry-run.test-support.ts';
import { resolveIteratorOptions } from './iterator-options.ts';
import { all, bytes, open, shown } from './store-iterator.test-support.ts';

describe('how a StoreIterator hands out entries', () => {
  const five = [entries('a#1=1 b#2=2 c#3=3 d#4=4 e#5=5')];

  test('one at a time, then undefined, again and again', async () => {
    const { iterator } = open(five);
    const seen: (string | undefined)[] = [];
    for (let i = 0; i < 7; i++) seen.push(shown(await iterator.next()));
    expect(seen).toEqual(['a=1', 'b=2', 'c=3', 'd=4', 'e=5', undefined, undefined]);
    const twin = open(five).iterator;
    expect(Array.from({ length: 7 }, () => shown(twin.nextSync()))).toEqual(seen);
  });

  test('in batches of at most the size asked for, then empty ones', async () => {
    for (const size of [1, 2, 3, 5, 6, Number.POSITIVE_INFINITY]) {
      const { iterator } = open(five);
      const twin = open(five).iterator;
      const seen: (string | undefined)[] = [];
      for (;;) {
        const batch = await iterator.nextv(size);
        expect(batch.length).toBeLessThanOrEqual(size);
        expect(twin.nextvSync(size)).toEqual(batch);
        if (batch.length === 0) break;
        seen.push(...batch.map(shown));
      }
      expect(seen).toEqual(['a=1', 'b=2', 'c=3', 'd=4', 'e=5']);
      expect(await iterator.nextv(size)).toEqual([]);
    }
  });

  test('a batch ends at the high-water mark but holds at least one entry', async () => {
    expect((await open(five, { highWaterMarkBytes: 0 }).iterator.nextv(9)).map(shown)).toEqual(['a=1']);
    expect((await open(five, { highWaterMarkBytes: 4 }).iterator.nextv(9)).map(shown)).toEqual([
      'a=1',
      'b=2',
    ]);
    expect((await open(five, { highWaterMarkBytes: 5 }).iterator.nextv(9)).length).toBe(3);
  });

  test('next and nextv may be mixed', async () => {
    const { iterator } = open(five);
    expect(shown(await iterator.next())).toBe('a=1');
    expect(shown(await iterator.next())).toBe('b=2');
    const rest: Entry[] = [];
    for (let batch = await iterator.nextv(2); batch.length > 0; batch = await iterator.nextv(2))
      rest.push(...batch);
    expect(rest.map(shown)).toEqual(['c=3', 'd=4', 'e=5']);
  });

  test('the limit counts entries handed out, over batches and seeks', async () => {
    expect(await all(open(five, { limit: 0 }).iterator)).toEqual([]);
    expect(await all(open(five, { limit: 2, reverse: true }).iterator)).toEqual(['e=5', 'd=4']);
    expect(await all(open(five, { limit: -1 }).iterator)).toHaveLength(5);
    const { iterator } = open(five, { limit: 4 });
    expect(shown(await iterator.next())).toBe('a=1');
    expect(shown(await iterator.next())).toBe('b=2');
    iterator.seek(bytes('a'));
    expect((await iterator.nextv(10)).map(shown)).toEqual(['a=1', 'b=2']);
    expect(await iterator.nextv(10)).toEqual([]);
  });

  test('nothing is opened before the first entry is asked for', async () => {
    const { iterator, opened, released } = open(five);
    iterator.seek(bytes('b'));
    expect(opened()).toBe(false);
    iterator.close();
    expect([opened(), released()]).toEqual([false, 1]);
  });

  test('what must be put in order first is done a step at a time, with looks at the clock between', async () => {
    const { iterator, turns, opened } = open(five, { orderSteps: 5 });
    turns.due = true;
    const first = iterator.next();
    expect(opened()).toBe(false);
    expect(shown(await first)).toBe('a=1');
    expect(turns.taken).toBeGreaterThanOrEqual(5);
    expect(shown(open(five, { orderSteps: 5 }).iterator.nextSync())).toBe('a=1');
  });

  test('an answer waits for the next turn when this one has lasted too long', async () => {
    const { iterator, turns } = open(five);
    await iterator.nextv(1);
    expect(turns.taken).toBe(0);
    turns.due = true;
    await iterator.nextv(1);
    expect(turns.taken).toBe(1);
  });
});

describe('a batch of the caller', () => {
  const five = [entries('a#1=1 b#2=2 c#3=3 d#4=4 e#5=5')];
  const textBatch = (most: number): CursorBatch & { readonly items: string[] } => {
    const items: string[] = [];
    return {
      items,
      get isFull() {
        return items.length >= most;
      },
      add: (cursor) => void items.push(`${cursor.keyText()}=${cursor.valueText()}`),
    };
  };

  test('is filled in its own form, in either direction, and stays empty at the end', async () => {
    for (const reverse of [false, true]) {
      const { iterator } = open(five, { reverse });
      const seen: string[][] = [];
      for (let i = 0; i < 3; i++) {
        const batch = textBatch(3);
        await iterator.fill(batch);
        seen.push(batch.items);
      }
      const expected = ['a=1', 'b=2', 'c=3', 'd=4', 'e=5'];
      if (reverse) expected.reverse();
      expect(seen).toEqual([expected.slice(0, 3), expected.slice(3), []]);
    }
  });

  test('is left as it is when its signal is aborted between two steps', async () => {
    const many = [entries(Array.from({ length: 500 }, (_, i) => `k${1000 + i}#${i + 1}=v`).join(' '))];
    const { iterator, turns } = open(many);
    const aborter = new AbortController();
    turns.due = true;
    const batch = textBatch(500);
    const filled = iterator.fill(batch, aborter.signal);
    aborter.abort();
    await filled;
    expect(batch.items.length).toBeGreaterThan(0);
    expect(batch.items.length).toBeLessThan(500);
    const rest = textBatch(500);
    await iterator.fill(rest);
    expect(batch.items.length + rest.items.length).toBe(500);
  });
});

describe('seek', () => {
  const run = [entries('b#1=1 d#2=2 f#9 f#3=3 h#4=4')];

  test('goes to the first entry at or behind the target', async () => {
    const cases: [string, string | undefined, string | undefined][] = [
      ['a', 'b=1', undefined],
      ['b', 'b=1', 'b=1'],
      ['c', 'd=2', 'b=1'],
      ['d', 'd=2', 'd=2'],
      ['e', 'h=4', 'd=2'],
      ['f', 'h=4', 'd=2'],
      ['h', 'h=4', 'h=4'],
      ['i', undefined, 'h=4'],
    ];
    for (const [target, forward, backward] of cases) {
      for (const [reverse, expected] of [
        [false, forward],
        [true, backward],
      ] as const) {
        const { iterator } = open(run, { reverse });
        iterator.seek(bytes(target));
        expect(shown(await iterator.next()), `${target}, reverse ${reverse}`).toBe(expected);
        iterator.seek(bytes(target));
        expect(shown(iterator.nextSync())).toBe(expected);
      }
    }
  });

  test('a target outside the bounds ends the walk; a later one inside takes it up again', async () => {
    const bounds = { gte: bytes('d'), lt: bytes('h') };
    for (const reverse of [false, true]) {
      const { iterator } = open(run, { ...bounds, reverse });
      for (const target of ['c', 'h', 'a', 'z']) {
        iterator.seek(bytes(target));
        expect(await iterator.next(), target).toBeUndefined();
        iterator.seek(bytes('d'));
        expect(shown(await iterator.next())).toBe('d=2');
      }
    }
  });

  test('the last of several seeks counts', async () => {
    const { iterator } = open(run);
    iterator.seek(bytes('h'));
    iterator.seek(bytes('z'));
    iterator.seek(bytes('c'));
    expect((await iterator.nextv(9)).map(shown)).toEqual(['d=2', 'h=4']);
    iterator.seek(bytes('a'));
    expect((await iterator.nextv(9)).map(shown)).toEqual(['b=1', 'd=2', 'h=4']);
  });
});

describe('life of a StoreIterator', () => {
  /** Loads that a test lets through one at a time. */
  function gate(): Blocking & { open(): void; fail(error: Error): void } {
    let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
    return {
      isBlocked: () => true,
      load: () => new Promise<void>((resolve, reject) => (settle = { resolve, reject })),
      loadNow: () => {},
      open: () => settle!.resolve(),
      fail: (error) => settle!.reject(error),
    };
  }

  test('one call at a time', async () => {
    const blocking = gate();
    const { iterator } = open([entries('a#1=x')], { blocking });
    const first = iterator.next();
    await expect(iterator.next()).rejects.toMatchObject({ code: ErrorCode.IteratorBusy });
    await expect(iterator.nextv(1)).rejects.toMatchObject({ code: ErrorCode.IteratorBusy });
    expect(() => iterator.nextSync()).toThrow(expect.objectContaining({ code: ErrorCode.IteratorBusy }));
    expect(() => iterator.seek(bytes('a'))).toThrow(
      expect.objectContaining({ code: ErrorCode.IteratorBusy }),
    );
    blocking.open();
    expect(shown(await first)).toBe('a=x');
  });

  test('a closed one refuses everything but another close', async () => {
    const { iterator, released, closed } = open([entries('a#1=x')]);
    await iterator.next();
    iterator.close();
    iterator.close();
    expect([released(), closed(), iterator.closed]).toEqual([1, 1, true]);
    await expect(iterator.next()).rejects.toMatchObject({ code: ErrorCode.IteratorNotOpen });
    await expect(iterator.nextv(1)).rejects.toMatchObject({ code: ErrorCode.IteratorNotOpen });
    expect(() => iterator.nextvSync(1)).toThrow(expect.objectContaining({ code: ErrorCode.IteratorNotOpen }));
    expect(() => iterator.seek(bytes('a'))).toThrow(
      expect.objectContaining({ code: ErrorCode.IteratorNotOpen }),
    );
  });

  test('closing releases at once, even while a call waits for a block; the call is rejected', async () => {
    for (const outcome of ['open', 'fail'] as const) {
      const blocking = gate();
      const { iterator, released, closed } = open([entries('a#1=x')], { blocking });
      const pending = iterator.nextv(5);
      iterator.close();
      expect([released(), closed()]).toEqual([1, 1]);
      blocking[outcome](new Error('late'));
      await expect(pending).rejects.toMatchObject({ code: ErrorCode.IteratorNotOpen });
      expect([released(), closed()]).toEqual([1, 1]);
    }
  });

  test('a failed read releases everything and every later call meets the same error', async () => {
    const failure = new Error('damage');
    const blocking = gate();
    const { iterator, released, closed } = open([entries('a#1=x')], { blocking });
    const pending = iterator.nextv(5);
    blocking.fail(failure);
    await expect(pending).rejects.toBe(failure);
    await expect(iterator.next()).rejects.toBe(failure);
    expect(() => iterator.nextSync()).toThrow(failure);
    expect(() => iterator.seek(bytes('a'))).toThrow(failure);
    expect([released(), closed()]).toEqual([1, 0]);
    iterator.close();
    expect([released(), closed()]).toEqual([1, 1]);
    await expect(iterator.next()).rejects.toMatchObject({ code: ErrorCode.IteratorNotOpen });
  });

  test('a failed blocking read does too', () => {
    const failure = new Error('damage');
    const blocking: Blocking = {
      isBlocked: () => true,
      load: () => Promise.reject(failure),
      loadNow: () => {
        throw failure;
      },
    };
    const { iterator, released } = open([entries('a#1=x')], { blocking });
    expect(() => iterator.nextSync()).toThrow(failure);
    expect(() => iterator.nextvSync(4)).toThrow(failure);
    expect(released()).toBe(1);
  });

  test('leaving a loop early closes it', async () => {
    const { iterator, closed } = open([entries('a#1=x b#2=y')]);
    for await (const one of iterator) {
      expect(shown(one)).toBe('a=x');
      break;
    }
    expect(closed()).toBe(1);
    const twin = open([entries('a#1=x b#2=y')]);
    expect([...twin.iterator].map(shown)).toEqual(['a=x', 'b=y']);
    expect(twin.closed()).toBe(1);
  });

  test('arguments of a wrong kind are refused', async () => {
    const { iterator } = open([entries('a#1=x')]);
    for (const size of [0, -1, 1.5, Number.NaN]) {
      await expect(iterator.nextv(size)).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
    }
    expect(() => iterator.seek('a' as unknown as Uint8Array)).toThrow(
      expect.objectContaining({ code: ErrorCode.InvalidKey }),
    );
    expect(() => resolveIteratorOptions({ gte: 'a' as unknown as Uint8Array })).toThrow(/'gte'/);
    for (const options of [
      { limit: 1.5 },
      { limit: -2 },
      { highWaterMarkBytes: -1 },
      { limit: Number.NaN },
    ]) {
      expect(() => resolveIteratorOptions(options)).toThrow(
        expect.objectContaining({ code: ErrorCode.InvalidArgument }),
      );
    }
  });
});
