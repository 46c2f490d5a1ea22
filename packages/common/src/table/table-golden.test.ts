import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runNow } from '../base/steps.ts';
import { Block } from '../block/block.ts';
import { BlockCursor } from '../block/block-cursor.ts';
import { type BlockHandle, decodeBlockHandle } from '../block/block-handle.ts';
import { BLOCK_TRAILER_BYTES, BlockType, checkBlockTrailer } from '../block/block-trailer.ts';
import { decompressBlock } from '../block/compression.ts';
import { bloomHash } from '../filter/bloom.ts';
import { compareInternalKeys, makeInternalKey } from '../key/internal-key.ts';
import { blockingBlocks } from './block-source.ts';
import { buildTable, hex, lineOf, MemoryFile, openNow, readAll } from './table.test-support.ts';
import { decodeFooter, FOOTER_BYTES } from './table-format.ts';
import { peekFromTable } from './table-lookup.ts';
import { Compression } from './table-options.ts';

/** Tables that LevelDB (C++) and goleveldb wrote; see the README there. */
const GOLDEN = join(import.meta.dirname, '../../../../test/golden');
const ABSENT = Uint8Array.from(Buffer.from('no such key in any store'));

const tables = readdirSync(GOLDEN)
  .filter((store) => existsSync(join(GOLDEN, store, 'db')))
  .flatMap((store) =>
    readdirSync(join(GOLDEN, store, 'db'))
      .filter((name) => name.endsWith('.ldb'))
      .map((name) => ({
        store,
        name,
        contents: new Uint8Array(readFileSync(join(GOLDEN, store, 'db', name))),
        options: {
          blockBytes: store.startsWith('leveldb') ? 1024 : 4096,
          bloomBitsPerKey: store.endsWith('bloom') ? 10 : 0,
        },
        isRaw: store.startsWith('leveldb') && !store.endsWith('snappy'),
      })),
  );

interface Dissected {
  /** Uncompressed contents in hexadecimal. */
  readonly data: readonly string[];
  readonly filter: string | undefined;
  readonly index: string;
  readonly indexKeys: readonly string[];
  readonly metaNames: readonly string[];
  readonly blockTypes: ReadonlySet<BlockType>;
}

function contentsAt(file: Uint8Array<ArrayBuffer>, { offset, size }: BlockHandle): Uint8Array<ArrayBuffer> {
  const stored = file.subarray(offset, offset + size + BLOCK_TRAILER_BYTES);
  const type = checkBlockTrailer(stored, size, 'golden', offset);
  return decompressBlock(stored.subarray(0, size), type, 'golden', offset);
}

function entriesOf(contents: Uint8Array<ArrayBuffer>): { key: Uint8Array; handle: BlockHandle }[] {
  const cursor = new BlockCursor();
  cursor.attach(new Block(contents, 'golden', 0));
  const entries = [];
  while (cursor.next()) {
    const handle = decodeBlockHandle(contents, cursor.valueStart, cursor.valueEnd)!;
    entries.push({ key: cursor.keyBytes.slice(0, cursor.keyEnd), handle });
  }
  return entries;
}

function dissect(file: Uint8Array<ArrayBuffer>): Dissected {
  const footer = decodeFooter(file.subarray(file.length - FOOTER_BYTES), 'golden', file.length);
  const metas = entriesOf(contentsAt(file, footer.metaindex)).map(({ key, handle }) => ({
    name: Buffer.from(key).toString('latin1'),
    handle,
  }));
  const filter = metas.find(({ name }) => name.startsWith('filter.'));
  const index = contentsAt(file, footer.index);
  const blocks = entriesOf(index);
  return {
    data: blocks.map(({ handle }) => hex(contentsAt(file, handle))),
    filter: filter && hex(contentsAt(file, filter.handle)),
    index: hex(index),
    indexKeys: blocks.map(({ key }) => hex(key)),
    metaNames: metas.map(({ name }) => name),
    blockTypes: new Set(blocks.map(({ handle }) => file[handle.offset + handle.size] as BlockType)),
  };
}

test('the golden stores hold tables of every kind', () => {
  expect(new Set(tables.map(({ store }) => store)).size).toBe(7);
  expect(tables.some(({ contents }) => dissect(contents).blockTypes.has(BlockType.Snappy))).toBe(true);
});

describe.each(tables)('$store/$name', ({ contents, options, isRaw }) => {
  const reader = openNow(new MemoryFile(contents));
  const entries = readAll(reader);

  test('every block verifies and all entries ascend', () => {
    expect(entries.length).toBeGreaterThan(100);
    for (let i = 1; i < entries.length; i++) {
      const [before, after] = [entries[i - 1]!, entries[i]!].map((e) =>
        makeInternalKey(e.key, e.sequence, e.kind),
      );
      expect(compareInternalKeys(before!, after!), lineOf(entries[i]!)).toBeLessThan(0);
    }
  });

  test('every entry is found by its key and sequence number, through the filter', () => {
    for (const entry of entries) {
      const { key, sequence } = entry;
      const hash = bloomHash(key, 0, key.length);
      const hit = peekFromTable(reader, blockingBlocks, key, 0, key.length, sequence, hash);
      if (hit === undefined || typeof hit === 'symbol') throw new Error(`not found: ${lineOf(entry)}`);
      const value = hit.valueBytes.slice(hit.valueStart, hit.valueEnd);
      expect(lineOf({ key, sequence: hit.sequence, kind: hit.kind, value })).toBe(lineOf(entry));
    }
  });

  test('a table of another implementation has no stored root', () => {
    expect(runNow(reader.merkle())).toBeUndefined();
  });

  test('our builder gives the same blocks, filter and index for these entries', () => {
    const theirs = dissect(contents);
    const ours = dissect(buildTable(entries, { ...options, compression: Compression.None }).file.contents);
    expect(ours.data).toEqual(theirs.data);
    expect(ours.indexKeys).toEqual(theirs.indexKeys);
    if (theirs.filter !== undefined && isRaw) expect(ours.filter).toBe(theirs.filter);
    // Handles depend on compressed sizes; LevelDB's raw tables have ours.
    if (isRaw) expect(ours.index).toBe(theirs.index);
  });
});

describe.each(tables.filter(({ options }) => options.bloomBitsPerKey > 0))('$store/$name', ({ contents }) => {
  const reader = openNow(new MemoryFile(contents));

  test('its filter turns most absent keys away without a block', () => {
    let asked = 0;
    const countingBlocks = {
      ...blockingBlocks,
      peek: (...where: Parameters<typeof blockingBlocks.peek>) => {
        asked++;
        return blockingBlocks.peek(...where);
      },
    };
    for (let i = 0; i < 500; i++) {
      ABSENT[0] = i & 0x7f;
      ABSENT[1] = i >>> 7;
      const hash = bloomHash(ABSENT, 0, ABSENT.length);
      expect(peekFromTable(reader, countingBlocks, ABSENT, 0, ABSENT.length, 2 ** 40, hash)).toBeUndefined();
    }
    expect(asked).toBeLessThan(50);
  });
});
