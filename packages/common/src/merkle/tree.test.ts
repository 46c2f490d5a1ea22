import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { treeRoot } from './tree.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const hash = (...parts: readonly Uint8Array[]): Buffer => {
  const h = createHash('sha256');
  for (const part of parts) h.update(part);
  return h.digest();
};
const leafOf = (data: Uint8Array): Buffer => hash(Uint8Array.of(0x00), data);

/** RFC 6962 §2.1 word for word: split at the largest power of two below n. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return hash();
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hash(Uint8Array.of(0x01), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

/** The inputs and roots of the reference implementation (transparency-dev/merkle, testonly/constants.go). */
const REFERENCE_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const REFERENCE_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const numberedLeaves = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => leafOf(Buffer.from(`leaf ${i}`)));

describe('treeRoot', () => {
  test.each(REFERENCE_ROOTS.map((root, size) => ({ size, root })))(
    'gives the RFC 6962 root of the first $size reference leaves',
    ({ size, root }) => {
      const leaves = REFERENCE_LEAVES.slice(0, size).map((data) => leafOf(Buffer.from(data, 'hex')));
      expect(hex(treeRoot(Buffer.concat(leaves), size))).toBe(root);
    },
  );

  test('equals the recursive definition for every size from 1 to 257', () => {
    const leaves = numberedLeaves(257);
    const packed = Buffer.concat(leaves);
    for (let size = 1; size <= 257; size++) {
      expect(hex(treeRoot(packed, size)), `size ${size}`).toBe(hex(naiveRoot(leaves.slice(0, size))));
    }
  });

  test('changes with every single bit of every leaf', () => {
    const packed = Buffer.concat(numberedLeaves(5));
    const roots = new Set([hex(treeRoot(packed, 5))]);
    for (let bit = 0; bit < packed.length * 8; bit++) {
      packed[bit >>> 3]! ^= 1 << (bit & 7);
      roots.add(hex(treeRoot(packed, 5)));
      packed[bit >>> 3]! ^= 1 << (bit & 7);
    }
    expect(roots.size).toBe(1 + packed.length * 8);
  });

  test('tells a list from the same list with its last leaf repeated', () => {
    const leaves = numberedLeaves(3);
    const repeated = [...leaves, leaves[2]!];
    expect(hex(treeRoot(Buffer.concat(leaves), 3))).not.toBe(hex(treeRoot(Buffer.concat(repeated), 4)));
  });

  test('leaves its input as it was and returns memory of its own', () => {
    for (const size of [1, 2, 7]) {
      const packed = Buffer.concat(numberedLeaves(size));
      const before = hex(packed);
      const root = treeRoot(packed, size);
      root.fill(0);
      expect(hex(packed)).toBe(before);
    }
  });

  test('refuses to read leaves that are not there', () => {
    expect(() => treeRoot(new Uint8Array(63), 2)).toThrow('leaf hashes lie inside their buffer');
  });
});
