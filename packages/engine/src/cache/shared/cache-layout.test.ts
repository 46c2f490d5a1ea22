import { ErrorCode } from '@arena-level/common/base/errors';
import { KIB, MAX_SHARED_CACHE_BYTES, MIB } from '@arena-level/common/base/limits';
import { describe, expect, test } from 'vitest';
import { CacheLayout, createCacheMemory, geometryFor, layoutOf, UNIT_BYTES } from './cache-layout.ts';

const withCode = (code: string): unknown => expect.objectContaining({ code });

describe('the memory of a shared cache', () => {
  test.each([
    { capacity: 64 * MIB, block: 4 * KIB, shards: 64 },
    { capacity: 16 * MIB, block: 4 * KIB, shards: 64 },
    { capacity: 15 * MIB, block: 4 * KIB, shards: 32 },
    { capacity: 64 * MIB, block: 64 * KIB, shards: 64 },
    { capacity: 64 * MIB, block: 4 * MIB, shards: 1 },
    { capacity: 256 * MIB, block: 4 * MIB, shards: 4 },
    { capacity: 100 * KIB, block: 4 * KIB, shards: 1 },
    { capacity: 0, block: 4 * KIB, shards: 1 },
  ])('of $capacity bytes for blocks of $block has $shards shards', ({ capacity, block, shards }) => {
    const geometry = geometryFor(capacity, block);
    expect(geometry.shards).toBe(shards);
    const kept = geometry.units * UNIT_BYTES * shards;
    expect(kept).toBeLessThanOrEqual(capacity);
    expect(kept).toBeGreaterThan(capacity - shards * UNIT_BYTES);
    expect(new CacheLayout(geometry).memoryBytes).toBeLessThan(capacity * 1.01 + 16 * KIB);
  });

  test('has words within reach of small integers, however large it is', () => {
    const { memoryBytes } = new CacheLayout(geometryFor(MAX_SHARED_CACHE_BYTES, 256));
    expect(memoryBytes / Int32Array.BYTES_PER_ELEMENT).toBeLessThan(2 ** 30);
  });

  test('has logs that begin at whole units, one behind the other up to its end', () => {
    for (const capacity of [0, 1000, 100_000, 10 * MIB + 4]) {
      const layout = layoutOf(createCacheMemory(capacity, 4 * KIB));
      const { shards, units } = layout.geometry;
      const starts = Array.from({ length: shards + 1 }, (_, shard) => 4 * layout.log(shard));
      for (const start of starts) expect(start % UNIT_BYTES).toBe(0);
      expect(starts.at(-1)! - starts[0]!).toBe(shards * units * UNIT_BYTES);
      expect(starts.at(-1)).toBe(layout.memoryBytes);
    }
  });

  test('that cannot be had is an error of its own', () => {
    const real = globalThis.SharedArrayBuffer;
    globalThis.SharedArrayBuffer = class {
      constructor() {
        throw new RangeError('Array buffer allocation failed');
      }
    } as unknown as SharedArrayBufferConstructor;
    try {
      expect(() => createCacheMemory(MIB, 4 * KIB)).toThrow(withCode(ErrorCode.MemoryBudget));
    } finally {
      globalThis.SharedArrayBuffer = real;
    }
  });
});

describe('memory from elsewhere', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['memory that is not shared', new ArrayBuffer(100_000)],
    ['an empty memory', new SharedArrayBuffer(0)],
    ['a memory of zeros', new SharedArrayBuffer(100_000)],
  ])('is refused when it is %s', (_what, memory) => {
    expect(() => layoutOf(memory)).toThrow(withCode(ErrorCode.InvalidArgument));
  });

  test('is refused when it is of another version, and the message has both', () => {
    const memory = createCacheMemory(MIB, 4 * KIB);
    new Int32Array(memory)[1] = 77;
    expect(() => layoutOf(memory)).toThrow(
      expect.objectContaining({
        code: ErrorCode.NotSupported,
        message: expect.stringMatching(/version 77.*version 2/),
      }),
    );
  });

  test('is refused when its size, or a number in its header, is not what it should be', () => {
    const sound = createCacheMemory(MIB, 4 * KIB);
    expect(() => layoutOf(sound)).not.toThrow();
    expect(() => layoutOf(sound.slice(0, -UNIT_BYTES))).toThrow(withCode(ErrorCode.InvalidArgument));
    for (const word of [2, 3, 4]) {
      for (const value of [0, -1, 3, 2 ** 30, -(2 ** 31)]) {
        const memory = sound.slice(0);
        new Int32Array(memory)[word] = value;
        expect(() => layoutOf(memory), `word ${word}: ${value}`).toThrow(withCode(ErrorCode.InvalidArgument));
      }
    }
  });
});
