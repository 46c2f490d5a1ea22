import { describe, expect, test } from 'vitest';
import { MAX_SEQUENCE } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { runLater, runNow } from '../base/steps.ts';
import type { BlockHit } from '../block/block-lookup.ts';
import { bloomBytes, bloomHash, signedBloomHash, writeBloom } from '../filter/bloom.ts';
import { makeInternalKey } from '../key/internal-key.ts';
import { ValueKind } from '../key/value-kind.ts';
import { blockingBlocks, uncachedBlocks } from './block-source.ts';
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

const peek = (reader: TableReader, key: Uint8Array, sequence: number, source = blockingBlocks): string =>
  lineOfHit(key, peekFromTable(reader, source, key, 0, key.length, sequence, bloomHash(key, 0, key.length)));

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
        for (let step = 0; step < 300; step++) {
          const { key, sequence } = randomTarget(prng, entries);
          const found = entries[lowerBound(entries, key, sequence)];
          const expected = found !== undefined && hex(found.key) === hex(key) ? lineOf(found) : 'none';
          const label = `round ${round} step ${step} ${hex(key)}#${sequence}`;
          expect(peek(reader, key, sequence), label).toBe(expected);
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

describe('tables of other writers', () => {
  const versions = [9, 3].map((sequence) => ({
    key: bytes('k'),
    sequence,
    kind: 1,
    value: bytes(`v${sequence}`),
  }));

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
