import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ErrorCode, hasCode } from '../base/errors.ts';
import {
  blockLeaf,
  decodeMerkleBlock,
  encodeMerkleBlock,
  MERKLE_BLOCK_NAME,
  TableRootBuilder,
  tableRoot,
} from './table-root.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const sha = (hexInput: string): string =>
  createHash('sha256').update(Buffer.from(hexInput, 'hex')).digest('hex');
const TAG_HEX = '6172656e612e6d65726b6c652e7631';

function builderOf(contents: readonly Uint8Array[]): TableRootBuilder {
  const builder = new TableRootBuilder();
  for (const block of contents) {
    const buffer = new Uint8Array(block.length + 9);
    buffer.set(block, 7);
    builder.addBlock(buffer, 7, 7 + block.length);
  }
  return builder;
}

const someBlocks = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(`block ${i}`));

describe('TableRootBuilder', () => {
  test('hashes 0x00 and the contents, byte for byte', () => {
    const buffer = Buffer.from('ffff616263ff', 'hex');
    const builder = new TableRootBuilder();
    builder.addBlock(buffer, 2, 5);
    expect(hex(builder.leaves())).toBe(sha('00616263'));
  });

  test('gives back the byte before the block that it borrowed', () => {
    const buffer = Uint8Array.of(0xab, 1, 2, 3);
    new TableRootBuilder().addBlock(buffer, 1, 4);
    expect([...buffer]).toEqual([0xab, 1, 2, 3]);
  });

  test('hashes an empty block and blocks in shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    shared.set([9, 1, 2, 3]);
    const builder = new TableRootBuilder();
    builder.addBlock(shared, 1, 4);
    builder.addBlock(shared, 1, 1);
    expect(hex(builder.leaves())).toBe(sha('00010203') + sha('00'));
    expect(builder.blocks).toBe(2);
  });

  test('gives contents the same leaf where they stand alone', () => {
    expect(hex(blockLeaf(Buffer.from('abc')))).toBe(sha('00616263'));
    expect(hex(blockLeaf(new Uint8Array(0)))).toBe(sha('00'));
  });

  test('refuses a block that has no byte before it or reaches past its buffer', () => {
    const builder = new TableRootBuilder();
    for (const [start, end] of [
      [0, 2],
      [3, 2],
      [1, 5],
    ] as const) {
      expect(() => builder.addBlock(new Uint8Array(4), start, end)).toThrow('has a byte before it');
    }
    expect(() => builder.addLeaf(new Uint8Array(31))).toThrow('a leaf is one hash');
    expect(builder.blocks).toBe(0);
  });

  test.each([0, 1, 2, 3])('binds tag, count and tree of %i blocks, byte for byte', (count) => {
    const blocks = someBlocks(count);
    const leaves = blocks.map((block) => sha(`00${hex(block)}`));
    const tree = [
      () => sha(''),
      () => leaves[0]!,
      () => sha(`01${leaves[0]}${leaves[1]}`),
      () => sha(`01${sha(`01${leaves[0]}${leaves[1]}`)}${leaves[2]}`),
    ][count]!();
    expect(hex(builderOf(blocks).root())).toBe(sha(`02${TAG_HEX}000000000000000${count}${tree}`));
  });

  test('takes leaves of other tables as if it had hashed their blocks, beyond its first capacity', () => {
    const blocks = someBlocks(200);
    const hashed = builderOf(blocks);
    const taken = new TableRootBuilder();
    const leaves = hashed.leaves();
    for (let i = 0; i < 200; i++) taken.addLeaf(leaves.subarray(32 * i, 32 * i + 32));
    expect(taken.blocks).toBe(200);
    expect(hex(taken.root())).toBe(hex(hashed.root()));
    expect(hex(tableRoot(leaves, 200))).toBe(hex(hashed.root()));
  });

  test('one leaf alone is not the root of its table: the tiers are apart', () => {
    const builder = builderOf(someBlocks(1));
    expect(hex(builder.root())).not.toBe(hex(builder.leaves()));
  });
});

describe('the Merkle block', () => {
  test('has the name that other readers skip', () => {
    expect(Buffer.from(MERKLE_BLOCK_NAME).toString('hex')).toBe(TAG_HEX);
  });

  test('is count, root and leaves, byte for byte', () => {
    const builder = builderOf(someBlocks(2));
    const expected = `0000000000000002${hex(builder.root())}${hex(builder.leaves())}`;
    expect(hex(encodeMerkleBlock(builder))).toBe(expected);
  });

  test.each([0, 1, 2, 5, 70])('of %i blocks reads back as it was written', (count) => {
    const builder = builderOf(someBlocks(count));
    const block = decodeMerkleBlock(encodeMerkleBlock(builder), '000007.ldb', 4096);
    expect(block.blocks).toBe(count);
    expect(hex(block.root)).toBe(hex(builder.root()));
    expect(hex(block.leaves)).toBe(hex(builder.leaves()));
  });

  const isCorruption = (contents: Uint8Array): boolean => {
    try {
      decodeMerkleBlock(contents, '000007.ldb', 4096);
      return false;
    } catch (error) {
      return hasCode(error, ErrorCode.Corruption) && String(error).includes('000007.ldb at offset 4096');
    }
  };

  test('is refused with file and offset after any single flipped bit', () => {
    const contents = encodeMerkleBlock(builderOf(someBlocks(3)));
    for (let bit = 0; bit < contents.length * 8; bit++) {
      contents[bit >>> 3]! ^= 1 << (bit & 7);
      expect(isCorruption(contents), `bit ${bit}`).toBe(true);
      contents[bit >>> 3]! ^= 1 << (bit & 7);
    }
    expect(isCorruption(contents)).toBe(false);
  });

  test('is refused at every shorter length and with bytes behind it', () => {
    const contents = encodeMerkleBlock(builderOf(someBlocks(3)));
    for (let length = 0; length < contents.length; length++) {
      expect(isCorruption(contents.subarray(0, length)), `length ${length}`).toBe(true);
    }
    expect(isCorruption(Buffer.concat([contents, Buffer.alloc(32)]))).toBe(true);
  });

  test('that claims 2^64 - 1 leaves is refused before anything is allocated for them', () => {
    const contents = encodeMerkleBlock(builderOf(someBlocks(1)));
    contents.fill(0xff, 0, 8);
    expect(isCorruption(contents)).toBe(true);
  });
});
