import { describe, expect, test, vi } from 'vitest';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { runLater, runNow } from '../base/steps.ts';
import { type BlockHit, findInBlock } from '../block/block-lookup.ts';
import { BlockScratch } from '../block/block-memory.ts';
import { copyOwned } from '../bytes/owned-bytes.ts';
import { bloomBytes, bloomHash, signedBloomHash, writeBloom } from '../filter/bloom.ts';
import { makeInternalKey } from '../key/internal-key.ts';
import { ValueKind } from '../key/value-kind.ts';
import { blockingBlocks, type LookupSource, NOT_AT_HAND, uncachedBlocks } from './block-source.ts';
import {
  buildTable,
  bytes,
  handmadeTable,
  hex,
  lineOf,
  lowerBound,
  openNow,
  randomEntries,
  randomTarget,
  SEED,
} from './table.test-support.ts';
import { BLOCKED, getFromTable, peekFromTable } from './table-lookup.ts';
import { Compression } from './table-options.ts';
import type { TableReader } from './table-reader.ts';

const lineOfHit = (key: Uint8Array, hit: BlockHit | undefined | typeof BLOCKED): string => {
  if (hit === undefined) return 'none';
  if (hit === BLOCKED) return 'blocked';
  return lineOf({ ...hit, key, value: hit.valueBytes.subarray(hit.valueStart, hit.valueEnd) });
};

const peek = (
  reader: TableReader,
  key: Uint8Array,
  sequence: number,
  source: LookupSource = blockingBlocks,
): string =>
  lineOfHit(key, peekFromTable(reader, source, key, 0, key.length, sequence, bloomHash(key, 0, key.length)));

/** Searches blocks where the next read writes; `isAway`: those that it has not at hand, and which `others` has, or has not. */
function inPlace(isAway: (block: number) => boolean, others = blockingBlocks): LookupSource {
  const scratch = new BlockScratch();
  return {
    ...others,
    searchInPlace(reader, block, key, keyStart, keyEnd, sequence) {
      if (isAway(block)) return NOT_AT_HAND;
      const found = findInBlock(reader.readBlockNow(block, scratch), key, keyStart, keyEnd, sequence);
      if (typeof found !== 'object') return found;
      const valueBytes = copyOwned(found.valueBytes, found.valueStart, found.valueEnd);
      return { ...found, valueBytes, valueStart: 0, valueEnd: valueBytes.length, isOwn: true };
    },
  };
}

describe('looking a key up', () => {
  test.each([
    { blockBytes: 1, bloomBitsPerKey: 10, compression: Compression.None },
    { blockBytes: 300, bloomBitsPerKey: 10, compression: Compression.Snappy },
    { blockBytes: 4096, bloomBitsPerKey: 0, compression: Compression.None },
  ])(
    `gives the newest version that may be seen, with $blockBytes-byte blocks (SEED=${SEED})`,
    async (options) => {
      const prng = new Prng(SEED);
      for (let round = 0; round < 6; round++) {
        const entries = randomEntries(prng, 1 + prng.below(300));
        const reader = openNow(buildTable(entries, options).file);
        const halfInPlace = inPlace(() => prng.oneIn(2));
        for (let step = 0; step < 300; step++) {
          const { key, sequence } = randomTarget(prng, entries);
          const found = entries[lowerBound(entries, key, sequence)];
          const expected = found !== undefined && hex(found.key) === hex(key) ? lineOf(found) : 'none';
          const label = `round ${round} step ${step} ${hex(key)}#${sequence}`;
          expect(peek(reader, key, sequence), label).toBe(expected);
          expect(peek(reader, key, sequence, halfInPlace), label).toBe(expected);
          const hash = bloomHash(key, 0, key.length);
          const steps = () => getFromTable(reader, uncachedBlocks, key, 0, key.length, sequence, hash);
          expect(lineOfHit(key, runNow(steps())), label).toBe(expected);
          if (step % 20 === 0) expect(lineOfHit(key, await runLater(steps())), label).toBe(expected);
        }
      }
    },
  );

  test('a block that is not at hand is said to be, unless filter or index answer alone', () => {
    const entries = ['a', 'b', 'c'].map((key) => ({
      key: bytes(key),
      sequence: 1,
      kind: 1,
      value: bytes('v'),
    }));
    const { file } = buildTable(entries);
    const reader = openNow(file);
    const readsToOpen = file.reads;
    expect(peek(reader, bytes('b'), 1, uncachedBlocks)).toBe('blocked');
    expect(peek(reader, bytes('bb'), 1, uncachedBlocks)).toBe('none');
    expect(peek(reader, bytes('zz'), 1, uncachedBlocks)).toBe('none');
    expect(file.reads).toBe(readsToOpen);
  });

  test('the value of a hit is not copied', () => {
    const reader = openNow(
      buildTable([{ key: bytes('k'), sequence: 1, kind: 1, value: bytes('value') }]).file,
    );
    const block = reader.readBlockNow(0);
    const source = { ...uncachedBlocks, peek: () => block };
    const hit = peekFromTable(reader, source, bytes('k'), 0, 1, 1, bloomHash(bytes('k'), 0, 1));
    expect(typeof hit === 'object' && hit.valueBytes === block.contents).toBe(true);
  });
});

const versions = [9, 3].map((sequence) => ({
  key: bytes('k'),
  sequence,
  kind: 1,
  value: bytes(`v${sequence}`),
}));

describe('a source that searches blocks in place', () => {
  const entries = ['a', 'b', 'c'].map((key) => ({
    key: bytes(key),
    sequence: 1,
    kind: 1,
    value: bytes(`${key}!`),
  }));

  /** Counts the blocks that it is asked for. */
  function counting(source: LookupSource): LookupSource & { readonly asked: readonly number[] } {
    const asked: number[] = [];
    return {
      ...source,
      asked,
      searchInPlace(reader, block, ...rest) {
        asked.push(block);
        return source.searchInPlace(reader, block, ...rest);
      },
    };
  }

  test('is not asked for a block that is cached, nor where filter or index answer alone', () => {
    const reader = openNow(buildTable(entries, { blockBytes: 1 }).file);
    const block = reader.readBlockNow(1);
    const source = counting({
      ...inPlace(() => false),
      cached: (_, index) => (index === 1 ? block : undefined),
    });
    expect(peek(reader, bytes('b'), 1, source)).toBe(lineOf(entries[1]!));
    for (const absent of ['bb', 'zz']) expect(peek(reader, bytes(absent), 1, source)).toBe('none');
    expect(source.asked).toEqual([]);
    expect(peek(reader, bytes('c'), 1, source)).toBe(lineOf(entries[2]!));
    expect(source.asked).toEqual([2]);
  });

  test('is asked before a block is fetched, which is not where it has the answer', () => {
    const reader = openNow(buildTable(entries, { blockBytes: 1, bloomBitsPerKey: 0 }).file);
    expect(
      peek(
        reader,
        bytes('b'),
        1,
        inPlace(() => false, uncachedBlocks),
      ),
    ).toBe(lineOf(entries[1]!));
    expect(
      peek(
        reader,
        bytes('b\0'),
        1,
        inPlace(() => false, uncachedBlocks),
      ),
    ).toBe('none');
    expect(
      peek(
        reader,
        bytes('b'),
        1,
        inPlace(() => true, uncachedBlocks),
      ),
    ).toBe('blocked');
  });

  test('asks what is shared before the filter only where no other table may have the key', () => {
    const reader = openNow(buildTable(entries, { blockBytes: 1 }).file);
    const filter = vi.spyOn(reader, 'mayContain');
    const shared = inPlace((block) => block !== 0);
    const source = { ...uncachedBlocks, searchShared: vi.fn(shared.searchInPlace) };
    const ask = (key: Uint8Array, isLast: boolean): string => {
      filter.mockClear();
      source.searchShared.mockClear();
      const hash = bloomHash(key, 0, key.length);
      const hit = peekFromTable(reader, source, key, 0, key.length, 1, hash, isLast);
      const asked = [source.searchShared.mock.calls.length, filter.mock.calls.length];
      return `${lineOfHit(key, hit)}, shared ${asked[0]}, filter ${asked[1]}`;
    };
    expect(ask(bytes('a'), true)).toBe(`${lineOf(entries[0]!)}, shared 1, filter 0`);
    expect(ask(bytes('\0'), true)).toBe('none, shared 1, filter 0');
    expect(ask(bytes('b'), true)).toBe('blocked, shared 1, filter 1');
    expect(ask(bytes('bb'), true)).toBe('none, shared 1, filter 1');
    expect(ask(bytes('a'), false)).toBe('blocked, shared 0, filter 1');
    const held = reader.readBlockNow(0);
    const cached = vi.spyOn(source, 'cached').mockReturnValue(held);
    expect(ask(bytes('a'), true)).toBe(`${lineOf(entries[0]!)}, shared 0, filter 1`);
    cached.mockRestore();
    expect(ask(bytes('\0'), false)).toBe('none, shared 0, filter 1');
  });

  test('gives hits that the next search leaves as they are', () => {
    const reader = openNow(buildTable(entries, { blockBytes: 1 }).file);
    const source = inPlace(() => false, uncachedBlocks);
    const hits = entries.map(({ key }) => peekFromTable(reader, source, key, 0, 1, 1, bloomHash(key, 0, 1)));
    expect(hits.map((hit, i) => lineOfHit(entries[i]!.key, hit))).toEqual(entries.map(lineOf));
    expect(hits.every((hit) => typeof hit === 'object' && hit.isOwn)).toBe(true);
  });

  test('is asked for the next block when an index key lies between two versions, or before the first', () => {
    const indexKeys = [5, 1].map((sequence) => makeInternalKey(bytes('k'), sequence, ValueKind.Put));
    const [newer, older] = versions as [(typeof versions)[0], (typeof versions)[0]];
    for (const first of [newer, entries[0]!]) {
      const reader = openNow(handmadeTable([first, older], indexKeys));
      const newest = first === newer ? newer : older;
      for (const [sequence, expected] of [
        [MAX_SEQUENCE, newest],
        [8, older],
        [3, older],
      ] as const) {
        for (const away of [[], [0], [1], [0, 1]]) {
          const label = `${sequence}, away ${away}`;
          const source = counting(inPlace((block) => away.includes(block)));
          expect(peek(reader, bytes('k'), sequence, source), label).toBe(lineOf(expected));
          const from = sequence > 5 ? 0 : 1;
          expect(source.asked, label).toEqual(expected === newer ? [0] : [0, 1].slice(from));
        }
        const blocked = inPlace((block) => block === 1, uncachedBlocks);
        expect(peek(reader, bytes('k'), sequence, blocked)).toBe(
          expected === newer ? lineOf(newer) : 'blocked',
        );
      }
      expect(
        peek(
          reader,
          bytes('k'),
          2,
          inPlace(() => false),
        ),
      ).toBe('none');
    }
  });
});

describe('tables of other writers', () => {
  test('an index key between two versions of a key hides neither', () => {
    const file = handmadeTable(versions, [
      makeInternalKey(bytes('k'), 5, ValueKind.Put),
      makeInternalKey(bytes('k'), 1, ValueKind.Put),
    ]);
    const reader = openNow(file);
    for (const [sequence, expected] of [
      [MAX_SEQUENCE, versions[0]!],
      [9, versions[0]!],
      [8, versions[1]!],
      [5, versions[1]!],
      [3, versions[1]!],
    ] as const) {
      expect(peek(reader, bytes('k'), sequence), `${sequence}`).toBe(lineOf(expected));
    }
    // Behind the last entry, yet before its index key: there is no block to go on to.
    for (const sequence of [2, 1, 0]) expect(peek(reader, bytes('k'), sequence), `${sequence}`).toBe('none');
    expect(peek(reader, bytes('j'), 2)).toBe('none');
  });

  test('a filter under the old name denies a key only when both of its hashes do', () => {
    // 'a\xff' hashes apart with signed and unsigned characters.
    const keys = ['a\xff', 'b\xff'].map(bytes);
    const entries = keys.map((key) => ({ key, sequence: 1, kind: 1, value: bytes('v') }));
    const indexKeys = keys.map((key) => makeInternalKey(key, 1, ValueKind.Put));
    for (const hash of [bloomHash, signedBloomHash]) {
      const contents = new Uint8Array(bloomBytes(2, 10) + 9);
      writeBloom(
        contents,
        0,
        Uint32Array.from(keys, (key) => hash(key, 0, key.length)),
        2,
        10,
      );
      contents.set([0, 0, 0, 0, 9, 0, 0, 0, 11], 9);
      const file = handmadeTable(entries, indexKeys, { name: 'filter.leveldb.BuiltinBloomFilter', contents });
      const reader = openNow(file);
      for (const entry of entries) expect(peek(reader, entry.key, 1), hash.name).toBe(lineOf(entry));
      const readsToOpen = file.reads;
      expect(peek(reader, bytes('a\x7f'), 1)).toBe('none');
      expect(file.reads, 'answered by the filter').toBe(readsToOpen);
    }
  });

  test('a filter under the current name is asked for one hash only', () => {
    const key = bytes('a\xff');
    const contents = new Uint8Array(bloomBytes(1, 10) + 9);
    writeBloom(contents, 0, Uint32Array.of(signedBloomHash(key, 0, 2)), 1, 10);
    contents.set([0, 0, 0, 0, 9, 0, 0, 0, 11], 9);
    const file = handmadeTable(
      [{ key, sequence: 1, kind: 1, value: bytes('v') }],
      [makeInternalKey(key, 1, 1)],
      {
        name: 'filter.leveldb.BuiltinBloomFilter2',
        contents,
      },
    );
    expect(peek(openNow(file), key, 1)).toBe('none');
  });

  test('meta blocks of unknown names are skipped', () => {
    const file = handmadeTable(versions.slice(0, 1), [makeInternalKey(bytes('k'), 9, ValueKind.Put)], {
      name: 'rocksdb.properties',
      contents: bytes('whatever'),
    });
    const reader = openNow(file);
    expect(peek(reader, bytes('k'), 9)).toBe(lineOf(versions[0]!));
    expect(runNow(reader.merkle())).toBeUndefined();
  });
});
