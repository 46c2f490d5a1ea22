/** Looking keys up in blocks where they lie in the shared cache. */
import { KIB, MAX_SEQUENCE, MIB } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import type { Block } from '@arena-level/common/block/block';
import { type BlockEntry, buildBlock, bytes } from '@arena-level/common/block/block.test-support';
import { ImageAnswer } from '@arena-level/common/block/block-image';
import { BEHIND_BLOCK, type BlockHit } from '@arena-level/common/block/block-lookup';
import { matchedValueEnd, matchedValueStart } from '@arena-level/common/block/entry-match';
import { ImageIndex } from '@arena-level/common/block/image-index';
import { NOT_AT_HAND } from '@arena-level/common/table/block-source';
import { describe, expect, test } from 'vitest';
import { CacheLayout } from './cache-layout.ts';
import { CacheShard } from './cache-shard.ts';
import { OneShard } from './one-shard.test-support.ts';
import { SharedBlockCache } from './shared-block-cache.ts';

const SEED = Number(process.env['SEED'] ?? 20_261_126);
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;

const put = (key: string, sequence = 1, value = 'v', kind = 1): BlockEntry => ({
  key: bytes(key),
  sequence,
  kind,
  value: bytes(value),
});

type Found = ReturnType<SharedBlockCache['find']>;

const textOf = ({ valueBytes, valueStart, valueEnd }: BlockHit): string =>
  Buffer.from(valueBytes.subarray(valueStart, valueEnd)).toString('latin1');

function lineOf(found: Found): string {
  if (found === undefined) return 'none';
  if (found === BEHIND_BLOCK) return 'behind';
  if (found === NOT_AT_HAND) return 'not at hand';
  return `#${found.sequence},${found.kind}=${textOf(found)}`;
}

/** Looks a key up that lies in a larger array. */
function findIn(cache: SharedBlockCache, table: number, block: number, key: string, sequence = 9): Found {
  const given = bytes(`<<${key}>`);
  return cache.find(table, block, given, 2, 2 + key.length, sequence);
}

const find = (cache: SharedBlockCache, block: number, key: string, sequence = 9): string =>
  lineOf(findIn(cache, 1, block, key, sequence));

describe('a lookup in a shared block', () => {
  test('gives every thread the newest version that may be seen, its value a copy of its own', () => {
    const cache = new OneShard(64 * KIB);
    const values = ['', 'short', 'a value that is longer than what a loop copies, by some bytes'];
    const entries = values.map((value, i) => put(`key-${i}`, 3 + i, value));
    cache.putData(7, buildBlock([...entries, put('key-8', 2, '', 0), put('key-9')]));
    for (const one of [cache.owner, cache.thread]) {
      for (const [i, value] of values.entries()) {
        for (let again = 0; again < 2; again++) {
          const hit = findIn(one, 1, 7, `key-${i}`) as BlockHit;
          expect(lineOf(hit)).toBe(`#${3 + i},1=${value}`);
          expect([hit.isOwn, hit.valueStart, hit.valueEnd]).toEqual([true, 0, value.length]);
          expect(hit.valueBytes.length).toBe(value.length);
          expect(hit.valueBytes.buffer).toBeInstanceOf(ArrayBuffer);
          hit.valueBytes.fill(0);
        }
      }
      expect([find(one, 7, 'key-2', 5), find(one, 7, 'key-2', 4)]).toEqual([`#5,1=${values[2]}`, 'none']);
      expect(find(one, 7, 'key-8')).toBe('#2,0=');
      expect([find(one, 7, 'key-3'), find(one, 7, 'a')]).toEqual(['none', 'none']);
      expect([find(one, 7, 'key-9'), find(one, 7, 'z')]).toEqual(['#1,1=v', 'behind']);
    }
  });

  test('has nothing at hand of what is not there, has no index, or takes more than it', () => {
    const cache = new OneShard(64 * KIB);
    const data = buildBlock([put('a'), put('k', 8), put('k', 3), put('z', 7)]);
    cache.putData(1, data);
    cache.owner.put(1, 2, data.contents);
    expect(find(cache.thread, 1, 'a')).toBe('#1,1=v');
    expect(lineOf(findIn(cache.thread, 2, 1, 'a'))).toBe('not at hand');
    expect(lineOf(findIn(cache.thread, 1 + 2 ** 32, 1, 'a'))).toBe('not at hand');
    for (const key of ['', 'a', 'k', 'zz']) expect(find(cache.thread, 3, key)).toBe('not at hand');
    for (const key of ['', 'a', 'k', 'zz']) expect(find(cache.thread, 2, key)).toBe('not at hand');
    expect([find(cache.thread, 1, 'k'), find(cache.thread, 1, 'z', 6)]).toEqual(Array(2).fill('not at hand'));
  });

  test('counts what it told as hits, and leaves the rest to who gets the block then', () => {
    const cache = new OneShard(64 * KIB);
    cache.putData(1, buildBlock([put('a'), put('k', 8), put('k', 3), put('z', 7)]));
    for (const key of ['a', 'b', 'zz']) find(cache.thread, 1, key);
    expect(cache.owner.counters).toMatchObject({ hits: 3, misses: 0 });
    for (const key of ['k', 'k']) find(cache.thread, 1, key);
    find(cache.thread, 2, 'a');
    expect(cache.owner.counters).toMatchObject({ hits: 3, misses: 0 });
  });

  test(`finds each key of each block, in all shards (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const cache = SharedBlockCache.create(16 * MIB, 4 * KIB);
    const index = new ImageIndex();
    const tables = [1, 2 ** 31 + 1, 2 ** 32 + 1, MAX_SEQUENCE];
    const counts = tables.map(() => Array.from({ length: 50 }, () => 2 + prng.below(150)));
    const entriesOf = (place: number, block: number): BlockEntry[] =>
      Array.from({ length: counts[place]![block]! }, (_, i) =>
        put(`key-${1000 + i}`, 1 + (i % 7), `${place}/${block}/${i}${'.'.repeat(i % 60)}`),
      );
    for (const [place, table] of tables.entries()) {
      for (const block of counts[place]!.keys()) {
        const data = buildBlock(entriesOf(place, block));
        expect(cache.put(table, block, data.contents, index.read(data))).toBe(true);
      }
    }
    for (const [place, table] of tables.entries()) {
      for (const block of counts[place]!.keys()) {
        for (const { key, sequence, value } of entriesOf(place, block)) {
          const line = lineOf(findIn(cache, table, block, Buffer.from(key).toString()));
          const why = `seed ${SEED}, table ${table}, block ${block}`;
          expect(line, why).toBe(`#${sequence},1=${Buffer.from(value).toString()}`);
        }
      }
    }
  });
});

/** Blocks of one size with the same keys, whose values say which of them they are of. */
const alike = (block: number, more = ''): Block =>
  buildBlock(
    Array.from({ length: 5 }, (_, i) => put(`key-${i}`, 1, `${String(block).padStart(3, '0')}-${i}${more}`)),
  );

/** Room for so many of them; blocks 0, 1, ... are there. */
function filled(room: number): OneShard {
  const measure = new OneShard(64 * KIB);
  measure.putData(0, alike(0));
  const cache = new OneShard(room * measure.owner.counters.bytes);
  for (let block = 0; block < room; block++) cache.putData(block, alike(block));
  expect(cache.owner.counters.blocks).toBe(room);
  return cache;
}

/** Pushes the oldest out, whether it was looked into or not. */
function pushOut(cache: OneShard, block: number, data: Block): void {
  cache.unmark();
  cache.putData(block, data);
}

/** A key of them at whose first byte, which each try reads once, something happens: in the middle of the search. */
function keyDuring(text: string, happens: () => void): Uint8Array {
  return new Proxy(bytes(text), {
    get(target, name): unknown {
      if (name === '0') happens();
      return Reflect.get(target, name, target);
    },
  });
}

describe('a shared block that is searched without a lock', () => {
  test('and is overwritten meanwhile is not found, nor is what has taken its place', () => {
    const cache = filled(8);
    const { hits } = cache.owner.counters;
    const key = keyDuring('key-2', () => pushOut(cache, 8, alike(8)));
    expect(lineOf(cache.thread.find(1, 0, key, 0, 5, 9))).toBe('not at hand');
    expect(cache.owner.counters.hits).toBe(hits);
    // Where it was the new one lies, byte for byte alike but for its values.
    expect(find(cache.thread, 8, 'key-2')).toBe('#1,1=008-2');
  });

  test('is searched again when others were removed meanwhile, and not when some were added', () => {
    const cache = filled(8);
    let tries = 0;
    const removing = keyDuring('key-2', () => {
      if (++tries === 1) pushOut(cache, 8, alike(8));
    });
    expect(lineOf(cache.thread.find(1, 7, removing, 0, 5, 9))).toBe('#1,1=007-2');
    expect([tries, cache.owner.counters.hits]).toEqual([2, 1]);

    const roomy = new OneShard(64 * KIB);
    roomy.putData(0, alike(0));
    tries = 0;
    const adding = keyDuring('key-2', () => roomy.putData(++tries, alike(tries)));
    expect(lineOf(roomy.thread.find(1, 0, adding, 0, 5, 9))).toBe('#1,1=000-2');
    expect([tries, roomy.owner.counters.blocks]).toEqual([1, 2]);
  });

  test('is given up, though it is there, when something is removed each time', () => {
    const cache = filled(8);
    let tries = 0;
    const key = keyDuring('key-2', () => pushOut(cache, 8 + tries, alike(8 + tries++)));
    expect(lineOf(cache.thread.find(1, 7, key, 0, 5, 9))).toBe('not at hand');
    expect([tries, cache.owner.counters.hits]).toEqual([3, 0]);
    expect(find(cache.thread, 7, 'key-2')).toBe('#1,1=007-2');
  });

  test('is found where it went when it was moved in the middle of the search', () => {
    const cache = filled(8);
    let tries = 0;
    const key = keyDuring('key-2', () => {
      if (++tries === 1) cache.putData(8, alike(8));
    });
    // Being looked into it is kept once more.
    expect(lineOf(cache.thread.find(1, 0, key, 0, 5, 9))).toBe('#1,1=000-2');
    expect([tries, cache.has(0), cache.has(1)]).toEqual([2, true, false]);
  });

  test('is not found while it is being moved', () => {
    // None has a mark in common with another one.
    const more = '.'.repeat(100);
    const small = buildBlock([put('key-2', 1, more.repeat(2))]);
    const sizes = [small, alike(0, more)].map((data) => {
      const measure = new OneShard(64 * KIB);
      measure.putData(0, data);
      return measure.owner.counters.bytes;
    });
    // The small one in front of the others goes, and the next is moved to where it began.
    const cache = new OneShard(sizes[0]! + 8 * sizes[1]!);
    cache.putData(100, small);
    for (let block = 0; block < 8; block++) cache.putData(block, alike(block, more));
    cache.unmark();
    expect(find(cache.thread, 0, 'key-2')).toBe(`#1,1=000-2${more}`);
    const { shard, layout } = cache;
    const { removals } = shard;
    const words = new Int32Array(cache.owner.memory);
    const writer = new CacheShard(words, new Uint8Array(words.buffer), layout, 0, layout.participant(3));
    const meanwhile: unknown[] = [];
    const copyWithin = words.copyWithin.bind(words);
    words.copyWithin = (...args: Parameters<typeof copyWithin>) => {
      meanwhile.push(shard.wasQuiet(removals));
      meanwhile.push(...[0, 7].map((block) => find(cache.thread, block, 'key-2')));
      return copyWithin(...args);
    };
    const data = alike(8, more);
    writer.insert(0, 1, 8, data.contents, new ImageIndex().read(data));
    expect(meanwhile).toEqual([false, 'not at hand', `#1,1=007-2${more}`]);
    expect(find(cache.thread, 0, 'key-2')).toBe(`#1,1=000-2${more}`);
  });

  test('of its absence it is known as well that it may be that of another block', () => {
    const cache = filled(8);
    // Block 8 has keys behind those of block 0, at the same places.
    const other = buildBlock(Array.from({ length: 5 }, (_, i) => put(`kez-${i}`, 1, `008-${i}`)));
    const none = keyDuring('key-2', () => pushOut(cache, 8, other));
    expect(lineOf(cache.thread.find(1, 0, none, 0, 5, 9))).toBe('not at hand');
  });

  test('is not found while its bytes are being overwritten, nor the new one before it is whole', () => {
    const cache = filled(8);
    const { shard, layout, words } = cache;
    const { removals } = shard;
    const memory = new Uint8Array(cache.owner.memory);
    const writer = new CacheShard(words, memory, layout, 0, layout.participant(3));
    const searchNew = (): ImageAnswer | undefined => shard.search(0, 1, 8, bytes('key-2'), 0, 5, 9);
    const meanwhile: unknown[] = [];
    const set = memory.set.bind(memory);
    memory.set = (...args: Parameters<typeof set>): void => {
      meanwhile.push(shard.wasQuiet(removals), searchNew());
      meanwhile.push(...[0, 1].map((block) => find(cache.thread, block, 'key-2')));
      set(...args);
    };
    const data = alike(8);
    writer.insert(0, 1, 8, data.contents, new ImageIndex().read(data));
    expect(meanwhile).toEqual([false, undefined, 'not at hand', '#1,1=001-2']);
    expect(searchNew()).toBe(ImageAnswer.Found);
    const value = memory.slice(matchedValueStart, matchedValueEnd);
    expect(Buffer.from(value).toString()).toBe('008-2');
  });
});

describe('a search in a log that is overwritten with anything', () => {
  const EXTREME = [0, 1, -1, 3, -8, 64, 1000, -1000, 2 ** 30, 2 ** 31 - 1, -(2 ** 31)];

  /** Makes some of words[from, end) anything. */
  function scribble(prng: Prng, words: Int32Array, from: number, end: number): void {
    const isAll = prng.oneIn(20);
    for (let i = isAll ? end - from : 1 + prng.below(40); i > 0; i--) {
      const word = isAll ? from + i - 1 : from + prng.below(end - from);
      words[word] = prng.oneIn(2) ? EXTREME[prng.below(EXTREME.length)]! : prng.below(2 ** 32);
    }
  }

  test(`never finds what lies outside of it (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    // The first of two shards: there is something before it and behind it.
    const layout = new CacheLayout({ shards: 2, buckets: 8, units: 128 });
    const memory = new SharedArrayBuffer(layout.memoryBytes);
    const [words, all] = [new Int32Array(memory), new Uint8Array(memory)];
    const [shard, behind] = [0, 1].map(
      (one) => new CacheShard(words, all, layout, one, layout.participant(0)),
    );
    for (let block = 0; block < 8; block++) {
      const data = alike(block);
      for (const one of [shard!, behind!])
        one.insert(block, 1, block, data.contents, new ImageIndex().read(data));
    }
    const sound = words.slice();
    const [first, end] = [layout.log(0), layout.log(1)];
    const found = { answers: 0, sound: 0 };
    for (let round = 0; round < 4000; round++) {
      words.set(sound);
      scribble(prng, words, first, end);
      if (prng.oneIn(4)) scribble(prng, words, layout.buckets(0), layout.buckets(1));
      for (let block = 0; block < 8; block++) {
        const key = bytes(`key-${prng.below(6)}`);
        const answer = shard!.search(block, 1, block, key, 0, key.length, 9);
        if (answer !== ImageAnswer.Found) continue;
        const why = `seed ${SEED}, round ${round}, block ${block}`;
        expect(matchedValueStart, why).toBeGreaterThanOrEqual(first * WORD_BYTES);
        expect(matchedValueEnd, why).toBeGreaterThanOrEqual(matchedValueStart);
        expect(matchedValueEnd, why).toBeLessThanOrEqual(end * WORD_BYTES);
        found.answers++;
        const value = Buffer.from(all.slice(matchedValueStart, matchedValueEnd)).toString('latin1');
        if (value.startsWith(String(block).padStart(3, '0'))) found.sound++;
      }
    }
    expect(found.answers).toBeGreaterThan(1000);
    // Some of what is found is not what it was: that is why it is asked whether all was quiet.
    expect(found.sound).toBeLessThan(found.answers);
  });

  test(`throws nothing and gives no more than the log has (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    const cache = filled(8);
    const { words, layout } = cache;
    const sound = words.slice();
    let hits = 0;
    for (let round = 0; round < 4000; round++) {
      words.set(sound);
      scribble(prng, words, layout.log(0), layout.log(1));
      for (let block = 0; block < 8; block++) {
        const found = findIn(cache.thread, 1, block, `key-${prng.below(6)}`);
        if (typeof found !== 'object') continue;
        hits++;
        const logBytes = (layout.log(1) - layout.log(0)) * WORD_BYTES;
        expect(found.valueBytes.length, `seed ${SEED}, round ${round}`).toBeLessThan(logBytes);
      }
    }
    expect(hits).toBeGreaterThan(1000);
  });
});
