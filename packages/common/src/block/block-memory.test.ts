import { expect, test } from 'vitest';
import { KIB } from '../base/limits.ts';
import { BlockScratch, BlockSlabs, ownMemory } from './block-memory.ts';

test("memory of its own is nobody else's", () => {
  const [first, second] = [ownMemory.bytes(100), ownMemory.bytes(100)];
  for (const { length, buffer } of [first, second]) expect([length, buffer.byteLength]).toEqual([100, 100]);
  expect(first.buffer).not.toBe(second.buffer);
});

test('memory for one block is that of the one before, where it suffices', () => {
  const scratch = new BlockScratch();
  const first = scratch.bytes(4 * KIB);
  expect(first.length).toBe(4 * KIB);
  for (const length of [0, 1, 100, 4 * KIB]) {
    const bytes = scratch.bytes(length);
    expect([bytes.length, bytes.byteOffset, bytes.buffer === first.buffer]).toEqual([length, 0, true]);
  }
});

test('memory that grows has room for more', () => {
  const scratch = new BlockScratch();
  const { buffer } = scratch.bytes(1000);
  const larger = scratch.bytes(buffer.byteLength + 1);
  expect([larger.length, larger.buffer === buffer]).toEqual([buffer.byteLength + 1, false]);
  expect(larger.buffer.byteLength).toBeGreaterThanOrEqual(2 * buffer.byteLength);
  expect(scratch.bytes(larger.length + 100).buffer).toBe(larger.buffer);
});

test('memory for a large block is its own, and what was kept stays', () => {
  const scratch = new BlockScratch();
  const { buffer } = scratch.bytes(256 * KIB);
  // Twice as much as it takes, but never more than is kept.
  expect(buffer.byteLength).toBe(256 * KIB);
  const large = [1, 2].map(() => scratch.bytes(256 * KIB + 1));
  for (const bytes of large) expect([bytes.length, bytes.buffer.byteLength]).toEqual([262_145, 262_145]);
  expect(large[0]!.buffer).not.toBe(large[1]!.buffer);
  expect(scratch.bytes(10).buffer).toBe(buffer);
});

test('parts of slabs lie beside each other, aligned, and never in one another', () => {
  const slabs = new BlockSlabs();
  const parts = Array.from({ length: 300 }, (_, i) => slabs.bytes((i * 37) % 700));
  for (const [i, part] of parts.entries()) {
    expect([part.length, part.byteOffset % 8]).toEqual([(i * 37) % 700, 0]);
    part.fill(i);
  }
  for (const [i, part] of parts.entries()) expect(part.every((byte) => byte === i % 256)).toBe(true);
  // 104 kB of them; the empty one may lie anywhere.
  const buffers = parts.filter(({ length }) => length > 0).map(({ buffer }) => buffer);
  expect(new Set(buffers).size).toBe(2);
});

test('a slab is used to its end', () => {
  const slabs = new BlockSlabs();
  const parts = Array.from({ length: 9 }, () => slabs.bytes(8 * KIB));
  const buffers = parts.map(({ buffer }) => buffer);
  expect([new Set(buffers.slice(0, 8)).size, new Set(buffers).size]).toEqual([1, 2]);
});

test('a large block takes no part of a slab', () => {
  const slabs = new BlockSlabs();
  const { buffer } = slabs.bytes(10);
  const large = slabs.bytes(8 * KIB + 1);
  expect([large.length, large.buffer.byteLength]).toEqual([8193, 8193]);
  expect(slabs.bytes(10).buffer).toBe(buffer);
});
