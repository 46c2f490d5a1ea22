import { expect, test } from 'vitest';
import { SpareBuffers } from './spare-buffers.ts';

test('gives each buffer once, and keeps no more than its bytes', () => {
  const spares = new SpareBuffers(100);
  expect(spares.take()).toBeUndefined();
  const [small, large, more] = [new Uint8Array(40), new Uint8Array(60), new Uint8Array(1)];
  for (const buffer of [small, large, more]) spares.give(buffer);
  expect([spares.take(), spares.take()]).toEqual([large, small]);
  expect(spares.take()).toBeUndefined();
  spares.give(more);
  spares.give(new Uint8Array(100));
  expect(spares.take()).toBe(more);
});
