import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../base/errors.ts';
import { GIB, MAX_ARENA_BYTES, MAX_SEQUENCE } from '../base/limits.ts';
import { type Arena, attachArena, createArena } from './arena.ts';
import { ArenaState } from './arena-state.ts';
import { IndexKind } from './index-kind.ts';
import {
  arenaByteLength,
  arenaSizesFor,
  HEADER_BYTES,
  HEADER_WORDS,
  HeaderWord,
  INDEX_WORD,
  MAX_ARENA_ENTRIES,
  MAX_HEIGHT,
  MAX_NODE_WORDS,
  MAX_PREFIX_BYTES,
  nodeWordsFor,
} from './layout.ts';
import { clearArena, prepareArena, touchArena } from './prepare-arena.ts';

const kinds = Object.values(IndexKind);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const withCode = (code: ErrorCode): unknown => expect.objectContaining({ code });

function activeArena(kind: IndexKind, kvBytes = 4096): Arena {
  const arena = createArena({ kind, kvBytes });
  arena.activate(0);
  return arena;
}

/** Takes an active arena through its life. */
function retire(arena: Arena): void {
  for (const state of [ArenaState.Frozen, ArenaState.Flushing, ArenaState.Flushed, ArenaState.Free]) {
    arena.transition(state);
  }
}

describe.each(kinds)('an arena of kind %s', (kind) => {
  test('has a node region of half the size of kvData, and room for 64 entries at least', () => {
    expect(createArena({ kind, kvBytes: 2 ** 20 }).nodeData.length).toBe(2 ** 17);
    expect(createArena({ kind, kvBytes: 1 }).nodeData.length).toBe(nodeWordsFor(kind, 64));
    expect(createArena({ kind, kvBytes: 64, entries: 5000 }).nodeData.length).toBe(nodeWordsFor(kind, 5000));
    expect(createArena({ kind, kvBytes: 64, nodeWords: 1000 }).nodeData.length).toBe(1000);
  });

  test('is as large as its sizes say, with regions that do not overlap', () => {
    const sizes = arenaSizesFor(kind, 10_001, 700);
    const arena = createArena({ kind, ...sizes });
    expect(arena.shared.byteLength).toBe(arenaByteLength(sizes));
    expect(arena.header.byteOffset + arena.header.byteLength).toBe(HEADER_BYTES);
    expect(arena.nodeData.byteOffset).toBe(HEADER_BYTES);
    expect(arena.kvData.byteOffset).toBe(HEADER_BYTES + arena.nodeData.byteLength);
    expect(arena.kvData.byteOffset + arena.kvData.length).toBe(arena.shared.byteLength);
    expect(arena.kvData.length).toBe(10_001);
    expect(arena.firstNode).toBeGreaterThan(INDEX_WORD);
  });

  test('grows with what it is asked to hold, never shrinks', () => {
    const small = arenaSizesFor(kind, 2 ** 20, 0);
    for (const [recordBytes, entries] of [
      [2 ** 20, 1],
      [2 ** 20, 2 ** 17],
      [2 ** 21, 0],
    ] as const) {
      const sizes = arenaSizesFor(kind, recordBytes, entries);
      expect(sizes.kvBytes).toBeGreaterThanOrEqual(small.kvBytes);
      expect(sizes.nodeWords).toBeGreaterThanOrEqual(small.nodeWords);
    }
  });

  test.each([
    { id: 'no bytes', options: { kvBytes: 0 }, code: ErrorCode.InvalidArgument },
    { id: 'half a byte', options: { kvBytes: 1.5 }, code: ErrorCode.InvalidArgument },
    { id: 'no nodes', options: { kvBytes: 100, nodeWords: INDEX_WORD }, code: ErrorCode.InvalidArgument },
    {
      id: 'more bytes than Int32 offsets reach',
      options: { kvBytes: MAX_ARENA_BYTES + 1 },
      code: ErrorCode.TooLarge,
    },
    {
      id: 'too many nodes',
      options: { kvBytes: 1, nodeWords: MAX_NODE_WORDS + 1 },
      code: ErrorCode.TooLarge,
    },
  ])('refuses a size of $id', ({ options, code }) => {
    expect(() => createArena({ kind, ...options })).toThrow(withCode(code));
  });

  test('reports a lack of memory as such', () => {
    const real = globalThis.SharedArrayBuffer;
    globalThis.SharedArrayBuffer = class {
      constructor() {
        throw new RangeError('Array buffer allocation failed');
      }
    } as unknown as SharedArrayBufferConstructor;
    try {
      expect(() => createArena({ kind, kvBytes: GIB })).toThrow(withCode(ErrorCode.MemoryBudget));
    } finally {
      globalThis.SharedArrayBuffer = real;
    }
  });

  test('is free and clean when new, and empty with the next generation when activated', () => {
    const arena = createArena({ kind, kvBytes: 4096 });
    expect([arena.state, arena.isClean, arena.generation]).toEqual([ArenaState.Free, true, 0]);
    arena.activate(77);
    expect([arena.state, arena.isClean, arena.generation]).toEqual([ArenaState.Active, false, 1]);
    expect([arena.visibleCount, arena.kvBytesUsed, arena.nodeWordsUsed]).toEqual([0, 0, arena.firstNode]);
  });

  test.each([0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 2 ** 31 + 5, MAX_SEQUENCE])(
    'keeps the base sequence %d exactly',
    (base) => {
      const arena = createArena({ kind, kvBytes: 4096 });
      arena.activate(base);
      expect(attachArena(arena.shared).baseSequence).toBe(base);
    },
  );

  test.each([-1, 0.5, MAX_SEQUENCE + 1, Number.NaN])('refuses the base sequence %d', (base) => {
    const arena = createArena({ kind, kvBytes: 4096 });
    expect(() => arena.activate(base)).toThrow(/sequence/);
    expect(arena.state).toBe(ArenaState.Free);
  });

  test('keeps the common prefix it is told, as far as there is room, and forgets it with the next life', () => {
    const arena = createArena({ kind, kvBytes: 4096 });
    arena.activate(0, Buffer.from('users:'));
    expect(text(attachArena(arena.shared).commonPrefix)).toBe('users:');
    retire(arena);
    arena.activate(0, Buffer.alloc(1000, 'x'));
    expect(text(arena.commonPrefix)).toBe('x'.repeat(MAX_PREFIX_BYTES));
    retire(arena);
    arena.activate(0);
    expect(arena.commonPrefix).toHaveLength(0);
  });

  test('is cleared on activation when nobody prepared it', () => {
    const arena = activeArena(kind);
    arena.nodeData.fill(-1);
    arena.kvData.fill(0xee);
    retire(arena);
    expect(arena.isClean).toBe(false);
    arena.activate(0);
    expect(arena.nodeData.slice(INDEX_WORD, arena.firstNode).every((word) => word === 0)).toBe(true);
  });

  test('is cleared by a preparation, so that activation leaves the index alone', () => {
    const arena = activeArena(kind);
    arena.nodeData.fill(-1);
    retire(arena);
    prepareArena(arena.shared);
    expect(arena.isClean).toBe(true);
    expect(arena.nodeData.slice(INDEX_WORD, arena.firstNode).every((word) => word === 0)).toBe(true);
    arena.nodeData[INDEX_WORD] = 5;
    clearArena(arena.shared);
    arena.activate(0);
    expect(arena.nodeData[INDEX_WORD]).toBe(5);
  });

  test.each([ArenaState.Free, ArenaState.Active])(
    'keeps its content when its pages are touched, in state %d',
    (state) => {
      const arena = activeArena(kind, 20_000);
      for (let i = 0; i < arena.kvData.length; i++) arena.kvData[i] = i;
      if (state === ArenaState.Free) retire(arena);
      const before = new Uint8Array(arena.shared).slice();
      touchArena(arena.shared);
      expect(Buffer.compare(new Uint8Array(arena.shared), before)).toBe(0);
    },
  );

  test.each([ArenaState.Active, ArenaState.Frozen, ArenaState.Flushing, ArenaState.Flushed])(
    'is not prepared in state %d',
    (state) => {
      const arena = createArena({ kind, kvBytes: 4096 });
      arena.header[HeaderWord.State] = state;
      arena.header[HeaderWord.Clean] = 0;
      for (const prepare of [prepareArena, clearArena]) {
        expect(() => prepare(arena.shared)).toThrow(withCode(ErrorCode.Internal));
      }
      expect(() => arena.clearIndex()).toThrow(/free/);
    },
  );

  test('forgets a cancellation and the progress when the next flush begins, and not before', () => {
    const arena = activeArena(kind);
    const attached = attachArena(arena.shared);
    arena.freeze();
    arena.transition(ArenaState.Flushing);
    arena.requestCancel();
    attached.progress = 12;
    expect([attached.isCancelled, arena.progress]).toEqual([true, 12]);
    arena.transition(ArenaState.Frozen);
    expect([attached.isCancelled, arena.progress]).toEqual([true, 12]);
    arena.transition(ArenaState.Flushing);
    expect([attached.isCancelled, arena.progress]).toEqual([false, 0]);
  });
});

describe('attachArena', () => {
  const sound = (): Arena => activeArena(IndexKind.Hash, 4096);

  test('gives the same regions to every thread', () => {
    const arena = sound();
    const attached = attachArena(arena.shared, { generation: 1, entries: 0 });
    expect(attached.kind).toBe(arena.kind);
    expect(attached.nodeData.length).toBe(arena.nodeData.length);
    attached.kvData[100] = 9;
    expect(arena.kvData[100]).toBe(9);
  });

  test.each([
    { id: 'a missing magic number', word: HeaderWord.Magic, value: 0, message: /magic/ },
    { id: 'another layout version', word: HeaderWord.LayoutVersion, value: 99, message: /version/ },
    { id: 'an unknown kind', word: HeaderWord.Kind, value: 3, message: /kind/ },
    { id: 'the other kind', word: HeaderWord.Kind, value: 2, message: /bucket/ },
    { id: 'a larger node region', word: HeaderWord.NodeWordsCapacity, value: 99_999, message: /add up/ },
    { id: 'a negative node region', word: HeaderWord.NodeWordsCapacity, value: -1, message: /nodeData/ },
    {
      id: 'a node region beyond the limit',
      word: HeaderWord.NodeWordsCapacity,
      value: 2 ** 30,
      message: /nodeData/,
    },
    { id: 'a larger kvData', word: HeaderWord.KvBytesCapacity, value: 5000, message: /add up/ },
    { id: 'an empty kvData', word: HeaderWord.KvBytesCapacity, value: 0, message: /kvData/ },
    { id: 'other buckets', word: HeaderWord.BucketBits, value: 3, message: /bucket/ },
    { id: 'an unknown state', word: HeaderWord.State, value: 5, message: /state/ },
    { id: 'a negative state', word: HeaderWord.State, value: -1, message: /state/ },
    { id: 'state Free', word: HeaderWord.State, value: ArenaState.Free, message: /free/ },
    { id: 'a negative generation', word: HeaderWord.Generation, value: -1, message: /generation/ },
    {
      id: 'a base sequence beyond the limit',
      word: HeaderWord.BaseSequenceHigh,
      value: 2 ** 21,
      message: /base/,
    },
    { id: 'a negative base sequence', word: HeaderWord.BaseSequenceHigh, value: -1, message: /base/ },
    {
      id: 'a prefix that does not fit',
      word: HeaderWord.PrefixLength,
      value: MAX_PREFIX_BYTES + 1,
      message: /prefix/,
    },
    { id: 'a clean word that is no flag', word: HeaderWord.Clean, value: 2, message: /clean/ },
    { id: 'a cancel word that is no flag', word: HeaderWord.Cancel, value: -1, message: /cancel/ },
    { id: 'a negative progress', word: HeaderWord.Progress, value: -1, message: /progress/ },
    { id: 'a negative count', word: HeaderWord.VisibleCount, value: -1, message: /count/ },
    {
      id: 'a count beyond the limit',
      word: HeaderWord.VisibleCount,
      value: MAX_ARENA_ENTRIES + 1,
      message: /count/,
    },
    {
      id: 'nodes in the bucket table',
      word: HeaderWord.NodeWordsUsed,
      value: 17,
      message: /node words used/,
    },
    {
      id: 'nodes beyond the region',
      word: HeaderWord.NodeWordsUsed,
      value: 99_999,
      message: /node words used/,
    },
    { id: 'records beyond the region', word: HeaderWord.KvBytesUsed, value: 4097, message: /kv bytes used/ },
    { id: 'no height', word: HeaderWord.Height, value: 0, message: /height/ },
    { id: 'too great a height', word: HeaderWord.Height, value: MAX_HEIGHT + 1, message: /height/ },
  ])('refuses a header with $id', ({ word, value, message }) => {
    const arena = sound();
    arena.header[word] = value;
    const attach = (): Arena => attachArena(arena.shared);
    expect(attach).toThrow(message);
    expect(attach).toThrow(withCode(ErrorCode.Internal));
  });

  test('never does worse than refuse, whichever word of the header is damaged', () => {
    const values = [-(2 ** 31), -1, 0, 1, 7, 0x1234, 2 ** 30, 2 ** 31 - 1];
    for (let word = 0; word < HEADER_WORDS; word++) {
      for (const value of values) {
        const arena = sound();
        arena.header[word] = value;
        try {
          const attached = attachArena(arena.shared);
          expect(attached.nodeData.length, `word ${word} = ${value}`).toBe(arena.nodeData.length);
          expect(attached.kvData.length).toBe(arena.kvData.length);
        } catch (error) {
          expect(error, `word ${word} = ${value}`).toEqual(withCode(ErrorCode.Internal));
        }
      }
    }
  });

  test('refuses memory that is too short or not shared', () => {
    for (const length of [0, 4, HEADER_BYTES - 4, HEADER_BYTES]) {
      expect(() => attachArena(new SharedArrayBuffer(length))).toThrow(withCode(ErrorCode.Internal));
    }
    const copy = sound().shared.slice(0, 100);
    expect(() => attachArena(copy)).toThrow(withCode(ErrorCode.Internal));
    expect(() => attachArena(new ArrayBuffer(10_000) as unknown as SharedArrayBuffer)).toThrow(/not shared/);
  });

  test('refuses an arena of another generation or count than expected', () => {
    const arena = sound();
    expect(() => attachArena(arena.shared, { generation: 2 })).toThrow(/generation 1 instead of 2/);
    expect(() => attachArena(arena.shared, { entries: 3 })).toThrow(/0 entries instead of 3/);
  });
});
