import { RingBuffer } from 'ringbuf.js';
import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../base/errors.ts';
import { Prng } from '../base/prng.ts';
import { FrameReader, FrameStaging } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import {
  createRingMemory,
  FRAME_HEADER_WORDS,
  FRAME_MARK,
  FrameFlag,
  MIN_RING_BYTES,
  WORD_BYTES,
} from './ring-memory.ts';

const SEED = Number(process.env['SEED'] ?? 11);
const NONE = new Uint8Array(0);

function ring(ringBytes: number, lastTicket = 0) {
  const { frames } = createRingMemory(new SharedArrayBuffer(4), { ringBytes, lastTicket });
  return {
    frames,
    raw: new RingBuffer(frames, Int32Array),
    writer: new FrameWriter(frames),
    reader: new FrameReader(frames, new FrameStaging(), lastTicket),
  };
}

function push(writer: FrameWriter, ticket: number, records: Uint8Array, entries = 1, flags = 0): void {
  writer.push(flags, records.length, entries, ticket, records, 0, records.length);
}

function pattern(length: number, from: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + 31 * i) % 251);
}

describe('a ring of frames', () => {
  test.each([MIN_RING_BYTES, MIN_RING_BYTES + 4, 132])(
    'of %i bytes gives back every length at every offset',
    (ringBytes) => {
      const words = ringBytes / WORD_BYTES + 1;
      for (let length = 1; length <= ringBytes - FRAME_HEADER_WORDS * WORD_BYTES; length++) {
        for (let offset = 0; offset < words; offset++) {
          const { raw, writer, reader } = ring(ringBytes);
          for (let i = 0; i < offset; i++) {
            raw.push(new Int32Array(1));
            raw.pop(new Int32Array(1));
          }
          const records = pattern(length, offset);
          expect(writer.hasRoomFor(length)).toBe(true);
          push(writer, 1, records, 7, FrameFlag.Sync);
          expect(reader.hasFrame()).toBe(true);
          expect([reader.recordBytes, reader.entries, reader.ticket]).toEqual([length, 7, 1]);
          expect([reader.isSync, reader.isApart]).toEqual([true, false]);
          expect(reader.take().subarray(0, length)).toEqual(records);
          expect(reader.hasFrame()).toBe(false);
        }
      }
    },
  );

  test(`is a queue, however full and whatever its size (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 20; round++) {
      const ringBytes = MIN_RING_BYTES + WORD_BYTES * prng.below(200);
      const first = prng.oneIn(2) ? 2 ** 31 - 20 : 0;
      const { writer, reader } = ring(ringBytes, first);
      const waiting: Uint8Array[] = [];
      let ticket = first;
      for (let step = 0; step < 200; step++) {
        const length = 1 + prng.below(writer.maxRecordBytes);
        if (prng.oneIn(2) && writer.hasRoomFor(length)) {
          const records = pattern(length, step);
          // From the middle of something larger.
          const source = new Uint8Array(length + 20);
          source.set(records, 12);
          ticket = (ticket + 1) | 0;
          writer.push(0, length, 1, ticket, source, 12, 12 + length);
          waiting.push(records);
        } else if (waiting.length > 0) {
          expect(reader.hasFrame()).toBe(true);
          const expected = waiting.shift()!;
          const taken = reader.take();
          expect(taken.subarray(0, expected.length)).toEqual(expected);
        } else {
          expect(reader.hasFrame()).toBe(false);
        }
      }
    }
  });

  test('refuses what does not fit, up to the last word', () => {
    const { writer, reader } = ring(100);
    expect(writer.maxRecordBytes).toBe(80);
    push(writer, 1, pattern(37, 1));
    expect(writer.hasRoomFor(20)).toBe(true);
    expect(writer.hasRoomFor(21)).toBe(false);
    reader.hasFrame();
    reader.take();
    expect(writer.hasRoomFor(80)).toBe(true);
    expect(writer.hasRoomFor(81)).toBe(false);
  });

  test('holds the place of records that travel apart', () => {
    const { writer, reader } = ring(100);
    writer.push(FrameFlag.Apart, 5_000_000, 3, 1, NONE, 0, 0);
    push(writer, 2, pattern(9, 1));
    expect(reader.hasFrame()).toBe(true);
    expect([reader.isApart, reader.recordBytes, reader.entries]).toEqual([true, 5_000_000, 3]);
    reader.take();
    expect(reader.hasFrame()).toBe(true);
    expect(reader.take().subarray(0, 9)).toEqual(pattern(9, 1));
  });

  test('takes a batch of any size, and sends the records of a large one before its frame shows', () => {
    const { writer, reader } = ring(100);
    const posted: { readonly ticket: number; readonly records: Uint8Array; readonly shows: boolean }[] = [];
    const post = (ticket: number, shared: SharedArrayBuffer): void => {
      posted.push({ ticket, records: new Uint8Array(shared), shows: reader.hasFrame() });
    };
    const bytes = pattern(100, 1);
    for (const [ticket, recordBytes] of [80, 81].entries()) {
      expect(writer.hasRoomForBatch(recordBytes)).toBe(true);
      writer.pushBatch(FrameFlag.Sync, 3, ticket + 1, bytes, 12, 12 + recordBytes, post);
      expect(reader.hasFrame()).toBe(true);
      expect(reader).toMatchObject({ recordBytes, entries: 3, isSync: true, isApart: recordBytes === 81 });
      const taken = reader.take();
      if (recordBytes === 80) expect(taken.subarray(0, 80)).toEqual(bytes.subarray(12, 92));
    }
    expect(posted).toEqual([{ ticket: 2, records: bytes.subarray(12, 93), shows: false }]);
  });
});

describe('a half frame', () => {
  test('does not show while its thread writes it', () => {
    const { raw, writer, reader } = ring(100);
    const writeAndDie = (): number =>
      raw.writeCallbackWithOffset(8, (storage, at) => {
        storage[at] = FRAME_MARK;
        throw new Error('terminated');
      });
    expect(writeAndDie).toThrow('terminated');
    expect(reader.hasFrame()).toBe(false);
    push(writer, 1, pattern(10, 3));
    expect(reader.hasFrame()).toBe(true);
    expect(reader.take().subarray(0, 10)).toEqual(pattern(10, 3));
  });

  test('is not taken before all of it is there', () => {
    const { raw, reader } = ring(100);
    raw.push(Int32Array.of(FRAME_MARK, 0, 8, 1, 1));
    expect(reader.hasFrame()).toBe(false);
    raw.push(Int32Array.of(17));
    expect(reader.hasFrame()).toBe(false);
    raw.push(Int32Array.of(18));
    expect(reader.hasFrame()).toBe(true);
    expect(new Int32Array(reader.take().slice(0, 8).buffer)).toEqual(Int32Array.of(17, 18));
  });
});

describe('a frame that cannot be', () => {
  test.each([
    ['mark', [FRAME_MARK + 1, 0, 4, 1, 1]],
    ['flags', [FRAME_MARK, 4, 4, 1, 1]],
    ['no bytes', [FRAME_MARK, 0, 0, 1, 1]],
    ['negative bytes', [FRAME_MARK, 0, -1, 1, 1]],
    ['more bytes than the ring has', [FRAME_MARK, 0, 81, 1, 1]],
    ['more bytes than a batch may have', [FRAME_MARK, FrameFlag.Apart, 2 ** 30 + 1, 1, 1]],
    ['no entries', [FRAME_MARK, 0, 4, 0, 1]],
    ['too many entries', [FRAME_MARK, 0, 4, 2 ** 24 + 1, 1]],
    ['a ticket out of order', [FRAME_MARK, 0, 4, 1, 2]],
  ])('is refused: %s', (_, words) => {
    const { raw, reader } = ring(100);
    raw.push(Int32Array.from(words));
    raw.push(new Int32Array(1));
    expect(() => reader.hasFrame()).toThrow(expect.objectContaining({ code: ErrorCode.Internal }));
  });
});
