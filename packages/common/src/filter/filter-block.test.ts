import { describe, expect, test } from 'vitest';
import { Prng } from '../base/prng.ts';
import { bloomHash } from './bloom.ts';
import { FilterBlockBuilder, FilterBlockReader } from './filter-block.ts';

const SEED = Number(process.env['SEED'] ?? 20_240_501);
const hashOf = (key: string): number => bloomHash(Buffer.from(key), 0, Buffer.byteLength(key));
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

/** A filter block over the keys of data blocks that begin at these offsets. */
function build(blocks: readonly { readonly offset: number; readonly keys: readonly string[] }[]): Uint8Array {
  const builder = new FilterBlockBuilder(10);
  for (const { offset, keys } of blocks) {
    builder.startBlock(offset);
    for (const key of keys) builder.add(hashOf(key));
  }
  return builder.finish();
}

describe('filter block', () => {
  test('of no blocks is its foot alone', () => {
    expect(hex(build([]))).toBe('000000000b');
  });

  test('of blocks in one window is one filter', () => {
    const contents = build([
      { offset: 100, keys: ['foo', 'bar', 'box'] },
      { offset: 200, keys: ['box'] },
      { offset: 300, keys: ['hello'] },
    ]);
    // 5 keys, a repeated one counted: 64 bits and the probes; one offset; the foot.
    expect(contents.length).toBe(9 + 4 + 5);
    const reader = new FilterBlockReader(contents);
    for (const key of ['foo', 'bar', 'box', 'hello'])
      expect(reader.mayContain(100, hashOf(key)), key).toBe(true);
    for (const key of ['missing', 'other']) expect(reader.mayContain(100, hashOf(key)), key).toBe(false);
  });

  test('of blocks over many windows has a filter for each, empty where no block begins', () => {
    const contents = build([
      { offset: 0, keys: ['foo'] },
      { offset: 2000, keys: ['bar'] },
      { offset: 3100, keys: ['box'] },
      { offset: 9000, keys: ['box', 'hello'] },
    ]);
    const reader = new FilterBlockReader(contents);
    const found = [0, 2000, 3100, 4100, 9000].map((offset) =>
      ['foo', 'bar', 'box', 'hello'].filter((key) => reader.mayContain(offset, hashOf(key))),
    );
    expect(found).toEqual([['foo', 'bar'], ['foo', 'bar'], ['box'], [], ['box', 'hello']]);
    expect(hex(contents.subarray(contents.length - 5 - 20))).toBe(
      // Four bytes each: two filters of 9 bytes, two empty ones, and the last.
      hex(fromHex('00000000 09000000 12000000 12000000 12000000 1b000000 0b')),
    );
  });

  test(`no key is ever denied in its block (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 50; round++) {
      let offset = 0;
      const blocks = Array.from({ length: 1 + prng.below(30) }, () => {
        const keys = Array.from({ length: 1 + prng.below(600) }, () => `key${prng.below(100_000)}`);
        const block = { offset, keys };
        offset += 1 + prng.below(prng.oneIn(5) ? 50_000 : 3_000);
        return block;
      });
      const reader = new FilterBlockReader(build(blocks));
      for (const { offset: at, keys } of blocks) {
        for (const key of keys) {
          if (!reader.mayContain(at, hashOf(key)))
            throw new Error(`SEED=${SEED} round ${round}: ${key} at ${at}`);
        }
      }
    }
  });

  test('a block beyond the last window may contain anything', () => {
    const reader = new FilterBlockReader(build([{ offset: 0, keys: ['foo'] }]));
    expect(reader.mayContain(2048, hashOf('bar'))).toBe(true);
    expect(reader.mayContain(2 ** 50, hashOf('bar'))).toBe(true);
  });

  test.each([
    { id: 'nothing', contents: '' },
    { id: 'less than a foot', contents: '00000000' },
    { id: 'an offset array behind the end', contents: '00000000 ff000000 0b' },
    { id: 'an offset array of 4 GiB', contents: '00000000 ffffffff 0b' },
    { id: 'a filter that ends before it begins', contents: '0000000000 05000000 00000000 05000000 0b' },
    { id: 'a filter that runs into the array', contents: '0000 00000000 03000000 02000000 0b' },
  ])('$id says maybe to everything', ({ contents }) => {
    const reader = new FilterBlockReader(fromHex(contents));
    for (const offset of [0, 2048, 4096]) expect(reader.mayContain(offset, hashOf('foo'))).toBe(true);
  });

  test(`whatever the bytes, the answer is yes or no (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    const sound = build([
      { offset: 0, keys: ['a', 'b'] },
      { offset: 5000, keys: ['c'] },
    ]);
    for (let round = 0; round < 5_000; round++) {
      const damaged = Uint8Array.from(sound);
      for (let flips = 1 + prng.below(3); flips > 0; flips--)
        damaged[prng.below(damaged.length)] = prng.below(256);
      const reader = new FilterBlockReader(
        damaged.subarray(0, prng.oneIn(5) ? prng.below(sound.length) : undefined),
      );
      expect(typeof reader.mayContain(prng.below(10_000), prng.nextU32())).toBe('boolean');
    }
  });
});
