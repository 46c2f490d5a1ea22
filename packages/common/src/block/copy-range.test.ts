import { expect, test } from 'vitest';
import { hex } from './block.test-support.ts';
import { copyRange, withCapacity } from './copy-range.ts';

test('ranges of every length arrive whole, and nothing beside them changes', () => {
  const source = Uint8Array.from({ length: 300 }, (_, i) => i % 251);
  for (let length = 0; length <= 200; length++) {
    const target = new Uint8Array(220).fill(0xee);
    expect(copyRange(target, 3, source, 5, 5 + length)).toBe(3 + length);
    const expected = new Uint8Array(220).fill(0xee);
    expected.set(source.slice(5, 5 + length), 3);
    expect(hex(target), `${length} bytes`).toBe(hex(expected));
  }
});

test('a buffer with room is kept, another grows by doubling and keeps its bytes', () => {
  const small = Uint8Array.of(1, 2, 3, 4);
  expect(withCapacity(small, 4)).toBe(small);
  expect(hex(withCapacity(small, 5))).toBe('0102030400000000');
  expect(withCapacity(small, 100).length).toBe(100);
});
