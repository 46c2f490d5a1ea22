import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { masterRoot, type TableLeafInput, tableLeaf } from './master-root.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const sha = (hexInput: string): string =>
  createHash('sha256').update(Buffer.from(hexInput, 'hex')).digest('hex');
const ROOT_HEX = '11'.repeat(32);

const table: TableLeafInput = {
  level: 2,
  number: 0x1_0203_0405,
  size: 4096,
  smallest: Buffer.from('aa01000000000000', 'hex'),
  largest: Buffer.from('bbbb01000000000000', 'hex'),
  root: Buffer.from(ROOT_HEX, 'hex'),
};

describe('tableLeaf', () => {
  test('is the hash of level, number, size, bounds with lengths, and root, byte for byte', () => {
    const input = [
      '03',
      '0000000000000002',
      '0000000102030405',
      '0000000000001000',
      '00000008aa01000000000000',
      '00000009bbbb01000000000000',
      ROOT_HEX,
    ].join('');
    expect(hex(tableLeaf(table))).toBe(sha(input));
  });

  const changes: { readonly id: string; readonly change: Partial<TableLeafInput> }[] = [
    { id: 'level', change: { level: 1 } },
    { id: 'file number', change: { number: table.number + 1 } },
    { id: 'size', change: { size: table.size + 1 } },
    { id: 'smallest key', change: { smallest: Buffer.from('aa01000000000001', 'hex') } },
    { id: 'largest key', change: { largest: Buffer.from('bbbb01000000000001', 'hex') } },
    { id: 'table root', change: { root: Buffer.from('12'.repeat(32), 'hex') } },
    {
      id: 'border between the bounds',
      change: {
        smallest: Buffer.from('aa01000000000000bb', 'hex'),
        largest: Buffer.from('bb01000000000000', 'hex'),
      },
    },
    { id: 'swap of the bounds', change: { smallest: table.largest, largest: table.smallest } },
  ];
  test.each(changes)('changes, and the MasterRoot with it, with the $id', ({ change }) => {
    const other = { ...table, number: 7 };
    const before = masterRoot([tableLeaf(table), tableLeaf(other)]);
    const after = masterRoot([tableLeaf({ ...table, ...change }), tableLeaf(other)]);
    expect(hex(after)).not.toBe(hex(before));
  });

  test('refuses a root that is not one hash', () => {
    expect(() => tableLeaf({ ...table, root: new Uint8Array(31) })).toThrow('a table root is one hash');
  });
});

describe('masterRoot', () => {
  const leaf = (n: number): Uint8Array => tableLeaf({ ...table, number: n });

  test('of no tables binds count 0 and the empty tree', () => {
    expect(hex(masterRoot([]))).toBe(sha(`040000000000000000${sha('')}`));
  });

  test('of one table is not its leaf', () => {
    expect(hex(masterRoot([leaf(1)]))).toBe(sha(`040000000000000001${hex(leaf(1))}`));
  });

  test('of three tables is the hash of their count and tree, byte for byte', () => {
    const tree = sha(`01${sha(`01${hex(leaf(1))}${hex(leaf(2))}`)}${hex(leaf(3))}`);
    expect(hex(masterRoot([leaf(1), leaf(2), leaf(3)]))).toBe(sha(`040000000000000003${tree}`));
  });

  test('depends on the order and on the count of the tables', () => {
    const lists = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [1, 2], [1, 2, 3, 3], [1, 2, 3, 4], [1], []];
    const roots = new Set(lists.map((numbers) => hex(masterRoot(numbers.map(leaf)))));
    expect(roots.size).toBe(lists.length);
  });

  test('refuses a leaf that is not one hash', () => {
    expect(() => masterRoot([new Uint8Array(33)])).toThrow('a table leaf is one hash');
  });
});
