import { describe, expect, test } from 'vitest';
import { type EngineError, ErrorCode, isEngineError } from '../base/errors.ts';
import { Prng } from '../base/prng.ts';
import { runNow } from '../base/steps.ts';
import type { BlockHandle } from '../block/block-handle.ts';
import { BlockType, writeBlockTrailer } from '../block/block-trailer.ts';
import { bloomHash } from '../filter/bloom.ts';
import { makeInternalKey } from '../key/internal-key.ts';
import { blockingBlocks } from './block-source.ts';
import {
  appendBlock,
  appendFooter,
  blockOf,
  buildTable,
  bytes,
  type Entry,
  handleBytes,
  lineOf,
  MemoryFile,
  openNow,
  readAll,
  SEED,
} from './table.test-support.ts';
import { decodeFooter, encodeFooter, FOOTER_BYTES } from './table-format.ts';
import { peekFromTable } from './table-lookup.ts';
import { Compression } from './table-options.ts';

const TABLE = '000007.ldb';

/** Few and small, so that every byte can be tried, but over several blocks, with versions and tombstones. */
const entries: readonly Entry[] = Array.from({ length: 16 }, (_, i) => ({
  key: bytes(`key${String(Math.floor(i / 2)).padStart(3, '0')}`),
  sequence: 100 - i,
  kind: i % 5 === 0 ? 0 : 1,
  value: bytes(i % 5 === 0 ? '' : `value of ${i} `.repeat(3)),
}));
const lines = entries.map(lineOf);

function sound(compression: Compression): Uint8Array<ArrayBuffer> {
  return buildTable(entries, { blockBytes: 200, compression }).file.contents;
}

/** Scans the table and looks every key up; gives the error, or throws when something is wrong without one. */
function readEverything(
  contents: Uint8Array<ArrayBuffer>,
  size: number,
  label: string,
): EngineError | undefined {
  try {
    const reader = openNow(new MemoryFile(contents), size);
    for (const entry of entries) {
      const { key, sequence } = entry;
      const hash = bloomHash(key, 0, key.length);
      const hit = peekFromTable(reader, blockingBlocks, key, 0, key.length, sequence, hash);
      if (hit === undefined || typeof hit === 'symbol')
        throw new Error(`${label}: ${lineOf(entry)} vanished`);
      const value = hit.valueBytes.subarray(hit.valueStart, hit.valueEnd);
      if (lineOf({ ...hit, key, value }) !== lineOf(entry))
        throw new Error(`${label}: wrong ${lineOf(entry)}`);
    }
    const scanned = readAll(reader).map(lineOf);
    if (scanned.join() !== lines.join()) throw new Error(`${label}: the scan gave ${scanned.join()}`);
    runNow(reader.merkle());
    return undefined;
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return error;
  }
}

const corruptionIn = expect.objectContaining({ code: ErrorCode.Corruption, file: TABLE });

describe.each([Compression.None, Compression.Snappy])('a damaged table, compression %s', (compression) => {
  const table = sound(compression);
  const paddingEnd = table.length - 8;

  test('undamaged, reads whole', () => {
    expect(readEverything(table, table.length, 'sound')).toBeUndefined();
  });

  test('any flipped byte is an error with file and offset, or changes nothing that is read', () => {
    const harmless: number[] = [];
    for (let at = 0; at < table.length; at++) {
      const damaged = Uint8Array.from(table);
      damaged[at]! ^= at % 2 === 0 ? 0xff : 1 << ((at >>> 1) & 7);
      const error = readEverything(damaged, table.length, `byte ${at}`);
      if (error === undefined) {
        harmless.push(at);
      } else {
        expect(error, `byte ${at}`).toEqual(corruptionIn);
        expect(error.offset, `byte ${at}`).toBeLessThan(table.length);
      }
    }
    // Only the zeros in the footer, which no reader looks at.
    for (const at of harmless) expect(at).toBeGreaterThan(table.length - FOOTER_BYTES);
    for (const at of harmless) expect(at).toBeLessThan(paddingEnd);
  });

  test('cut anywhere, it does not open, whether or not the manifest knows', () => {
    for (let size = 0; size < table.length; size++) {
      const cut = table.slice(0, size);
      expect(readEverything(cut, size, `cut at ${size}`), `cut at ${size}`).toEqual(corruptionIn);
      expect(readEverything(cut, table.length, `cut at ${size}`), `cut at ${size}`).toEqual(corruptionIn);
    }
  });

  test('a block that the file system gives only in part is an error', () => {
    const file = new MemoryFile(table);
    const reader = openNow(file);
    file.readNow = (target, start, length, position) =>
      MemoryFile.prototype.readNow.call(file, target, start, length - 1, position);
    expect(() => reader.readBlockNow(0)).toThrow(/ends 1 bytes too early/);
  });
});

describe('a table that lies, its checksums right', () => {
  const key = (text: string): Uint8Array => makeInternalKey(bytes(text), 1, 1);
  const data = blockOf([[key('k'), bytes('v')]]);

  function tableWith(
    index: (data: BlockHandle) => readonly (readonly [Uint8Array, Uint8Array])[],
  ): MemoryFile {
    const file = new MemoryFile();
    const handle = appendBlock(file, data);
    const metaindex = appendBlock(file, blockOf([]));
    appendFooter(file, metaindex, appendBlock(file, blockOf(index(handle))));
    return file;
  }

  test('about nothing reads well', () => {
    expect(readAll(openNow(tableWith((handle) => [[key('k'), handleBytes(handle)]])))).toHaveLength(1);
  });

  test.each([
    { id: 'a block beyond the file', lie: { offset: 0, size: 10_000 } },
    { id: 'a block of 8 PiB', lie: { offset: 0, size: Number.MAX_SAFE_INTEGER } },
    { id: 'a block at 8 PiB', lie: { offset: Number.MAX_SAFE_INTEGER, size: 10 } },
    { id: 'a block that runs into the footer', lie: { offset: 0, size: 90 } },
  ])('$id in the index: refused before memory is taken', ({ lie }) => {
    const file = tableWith(() => [[key('k'), handleBytes(lie)]]);
    expect(() => openNow(file)).toThrow(/data block leads to .* out of bounds/);
  });

  test.each([
    { id: 'no handle', pairs: [[key('k'), bytes('')]] },
    { id: 'half a handle', pairs: [[key('k'), bytes('\x01')]] },
    { id: 'a key shorter than a trailer', pairs: [[bytes('k'), bytes('\x00\x01')]] },
    {
      id: 'keys that descend',
      pairs: [
        [key('l'), bytes('\x00\x01')],
        [key('k'), bytes('\x00\x01')],
      ],
    },
    {
      id: 'a key twice',
      pairs: [
        [key('k'), bytes('\x00\x01')],
        [key('k'), bytes('\x00\x01')],
      ],
    },
  ] as const)('$id in the index: does not open', ({ pairs }) => {
    expect(() => openNow(tableWith(() => pairs))).toThrow(
      expect.objectContaining({ code: ErrorCode.Corruption, file: TABLE }),
    );
  });

  test('a handle that leads into the middle of a block is a checksum mismatch', () => {
    const reader = openNow(tableWith(({ size }) => [[key('k'), handleBytes({ offset: 1, size: size - 1 })]]));
    expect(() => reader.readBlockNow(0)).toThrow(/checksum/);
  });

  test('a footer whose handles lie does not open', () => {
    for (const lie of [
      { offset: 0, size: 10_000 },
      { offset: 10_000, size: 0 },
    ]) {
      const file = tableWith((handle) => [[key('k'), handleBytes(handle)]]);
      const footer = file.contents.subarray(-FOOTER_BYTES);
      const { metaindex, index } = decodeFooter(footer, TABLE, file.size);
      encodeFooter(footer, 0, { metaindex: lie, index });
      expect(() => openNow(file)).toThrow(/metaindex block leads to/);
      encodeFooter(footer, 0, { metaindex, index: lie });
      expect(() => openNow(file)).toThrow(/index block leads to/);
    }
  });

  test('a table without data blocks is empty', () => {
    const reader = openNow(tableWith(() => []));
    expect(readAll(reader)).toEqual([]);
    expect(peekFromTable(reader, blockingBlocks, bytes('k'), 0, 1, 1, 0)).toBeUndefined();
  });

  test(`whatever its blocks hold, reading ends with typed errors only (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    const table = sound(Compression.None);
    const { metaindex, index } = decodeFooter(table.subarray(-FOOTER_BYTES), TABLE, table.length);
    const reader = openNow(new MemoryFile(table));
    const blocks = [metaindex, index, ...Array.from({ length: reader.blocks }, (_, i) => reader.handle(i))];
    let refused = 0;
    for (let round = 0; round < 1_000; round++) {
      const damaged = Uint8Array.from(table);
      const { offset, size } = blocks[prng.below(blocks.length)]!;
      for (let flips = 1 + prng.below(3); flips > 0; flips--)
        damaged[offset + prng.below(size)] = prng.below(256);
      const type = prng.oneIn(4) ? BlockType.Snappy : BlockType.Raw;
      writeBlockTrailer(damaged, offset + size, damaged, offset, offset + size, type);
      try {
        const lying = openNow(new MemoryFile(damaged));
        for (const { key: wanted, sequence } of entries) {
          const hash = bloomHash(wanted, 0, wanted.length);
          peekFromTable(lying, blockingBlocks, wanted, 0, wanted.length, sequence, hash);
        }
        readAll(lying);
        runNow(lying.merkle());
      } catch (error) {
        if (!isEngineError(error)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });
});
