/** The parts of a table, each for itself: snappy, footer, blocks, index, metaindex, filter, Merkle block. */
import { corruption } from '@arena-level/common/base/errors';
import { Block } from '@arena-level/common/block/block';
import { BlockCursor } from '@arena-level/common/block/block-cursor';
import { BlockIterator } from '@arena-level/common/block/block-iterator';
import { javascriptSnappy, nativeSnappy } from '@arena-level/common/block/compression';
import { compareBytes, equalRanges } from '@arena-level/common/bytes/compare';
import { FilterBlockReader } from '@arena-level/common/filter/filter-block';
import { compareInternalKeys, makeInternalKey } from '@arena-level/common/key/internal-key';
import { HASH_BYTES, writeU64BE } from '@arena-level/common/merkle/hashing';
import { decodeMerkleBlock, readStatedRoot, tableRoot } from '@arena-level/common/merkle/table-root';
import { BlockChecker } from '@arena-level/common/table/block-checker';
import { decodeFooter, FOOTER_BYTES } from '@arena-level/common/table/table-format';
import { TableIndex } from '@arena-level/common/table/table-index';
import { parseMetaindex } from '@arena-level/common/table/table-reader';
import { tableRegions } from '../damage/table-regions.ts';
import { demand, type FuzzTarget } from './fuzz-target.ts';
import type { Mutator } from './mutator.ts';

const MERKLE_HEADER_BYTES: number = 8 + HASH_BYTES;
const FILE = '000007.ldb';
/** Of the table that the index and the metaindex are taken for the ones of. */
const DATA_END = 100_000;
const PROBES: readonly Uint8Array[] = ['', 'key-', 'key-07', 'key-99', '\xff'].map(
  (key) => new Uint8Array(Buffer.from(key, 'latin1')),
);

/** `tables`: without compression. */
export function blockTargets(tables: readonly Uint8Array[]): FuzzTarget[] {
  const part = (region: 'data' | 'filter' | 'merkle' | 'metaindex' | 'index'): Uint8Array[] =>
    tables.map((table) => {
      const { offset, size } = tableRegions(table)[region];
      return table.slice(offset, offset + size);
    });
  const streams = [...part('data'), ...part('index'), new Uint8Array(3_000)].map((contents) =>
    javascriptSnappy.encode(contents).slice(),
  );
  const data = part('data');
  return [
    { name: 'snappy', weight: 24, corpus: streams, run: runSnappy },
    {
      name: 'footer',
      weight: 8,
      corpus: tables.map((table) => table.slice(-FOOTER_BYTES)),
      make: overwritten,
      run: runFooter,
    },
    { name: 'data block', weight: 30, corpus: data, make: overwritten, run: runDataBlock },
    { name: 'index', weight: 16, corpus: part('index'), make: overwritten, run: runIndex },
    { name: 'metaindex', weight: 8, corpus: part('metaindex'), make: overwritten, run: runMetaindex },
    { name: 'filter', weight: 6, corpus: part('filter'), run: runFilter },
    { name: 'Merkle block', weight: 6, corpus: part('merkle'), repair: stateRoot, run: runMerkle },
  ];
}

/** Most changes of a length make a block that ends in the wrong place; this one keeps it where it is. */
function overwritten(input: Uint8Array, _other: Uint8Array, mutator: Mutator): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(input);
  for (let n = 1 + mutator.prng.below(3); n > 0; n--) mutator.overwrite(bytes);
  return bytes;
}

/** Both implementations give the same, or refuse both. */
function runSnappy(input: Uint8Array<ArrayBuffer>): boolean {
  const contents = javascriptSnappy.decode(input);
  if (nativeSnappy !== undefined) {
    const native = nativeSnappy.decode(input);
    demand(
      (native === undefined) === (contents === undefined),
      'one implementation takes what the other refuses',
    );
    demand(native === undefined || compareBytes(native, contents!) === 0, 'the implementations differ');
  }
  if (contents === undefined) throw corruption('compressed block is malformed', FILE);
  demand(contents.length <= 22 * input.length, 'more than the stream can hold');
  return true;
}

function runFooter(input: Uint8Array): boolean {
  const footer = new Uint8Array(FOOTER_BYTES);
  footer.set(input.subarray(0, FOOTER_BYTES));
  const { metaindex, index } = decodeFooter(footer, FILE, DATA_END);
  for (const { offset, size } of [metaindex, index])
    demand(
      offset >= 0 && size >= 0 && offset + size + 5 <= DATA_END - FOOTER_BYTES,
      'a handle out of bounds',
    );
  return true;
}

const checker = new BlockChecker();

/** A block that passes the check is read alike in both directions, and each entry is found by its key. */
function runDataBlock(input: Uint8Array<ArrayBuffer>): boolean {
  const block = new Block(input, FILE, 0);
  let isSound = true;
  try {
    checker.check(block);
  } catch {
    isSound = false;
  }
  const keys = readForwards(block, input.length);
  if (!isSound) {
    for (const key of PROBES) seekBoth(block, key);
    readBackwards(block, input.length);
    return false;
  }
  demand(keys.length > 0, 'no entries');
  demand(
    keys.every((key, i) => i === 0 || compareInternalKeys(keys[i - 1]!, key) < 0),
    'keys do not ascend',
  );
  const backwards = readBackwards(block, input.length);
  demand(backwards.length === keys.length, 'another number of entries backwards');
  demand(
    backwards.reverse().every((key, i) => compareBytes(key, keys[i]!) === 0),
    'other entries backwards',
  );
  const iterator = new BlockIterator();
  iterator.attach(block);
  for (const key of keys.slice(0, 20)) {
    const { userEnd, sequence } = partsOf(key);
    iterator.seek(key, 0, userEnd, sequence);
    demand(
      iterator.valid && equalRanges(iterator.keyBytes, 0, iterator.keyEnd, key, 0, userEnd),
      'a key that is not found',
    );
    demand(iterator.sequence === sequence, 'another version is found');
  }
  return true;
}

function partsOf(key: Uint8Array): { readonly userEnd: number; readonly sequence: number } {
  const userEnd = key.length - 8;
  const trailer = Buffer.from(key.subarray(userEnd)).readBigUInt64LE();
  return { userEnd, sequence: Number(trailer >> 8n) };
}

function readForwards(block: Block, most: number): Uint8Array[] {
  const iterator = new BlockIterator();
  iterator.attach(block);
  const keys: Uint8Array[] = [];
  for (iterator.first(); iterator.valid; iterator.next()) {
    demand(keys.push(keyOf(iterator)) <= most, 'more entries than bytes');
    demand(
      iterator.valueStart <= iterator.valueEnd && iterator.valueEnd <= block.restartsOffset,
      'a value out of bounds',
    );
  }
  return keys;
}

function readBackwards(block: Block, most: number): Uint8Array[] {
  const iterator = new BlockIterator();
  iterator.attach(block);
  const keys: Uint8Array[] = [];
  for (iterator.last(); iterator.valid; iterator.prev())
    demand(keys.push(keyOf(iterator)) <= most, 'more entries than bytes backwards');
  return keys;
}

function seekBoth(block: Block, key: Uint8Array): void {
  const iterator = new BlockIterator();
  iterator.attach(block);
  iterator.seek(key, 0, key.length, 5);
  iterator.seekBefore(key, 0, key.length, 5);
}

function keyOf({ keyBytes, keyEnd, sequence, kind }: BlockIterator): Uint8Array {
  return makeInternalKey(keyBytes.subarray(0, keyEnd), sequence, kind);
}

function runIndex(input: Uint8Array<ArrayBuffer>): boolean {
  const index = new TableIndex(new Block(input, FILE, 0), DATA_END);
  demand(index.blocks <= input.length, 'more blocks than bytes');
  let dataAt = 0;
  for (let i = 0; i < index.blocks; i++) {
    demand(index.offset(i) >= dataAt, 'blocks overlap');
    dataAt = index.offset(i) + index.size(i) + 5;
  }
  demand(dataAt <= DATA_END, 'a block out of bounds');
  let last = 0;
  for (const key of PROBES) {
    const found = index.find(key, 0, key.length, 5);
    demand(found >= -1 && found < index.blocks, 'a block that is not there');
    demand(found === -1 || found >= last, 'a larger key in a block before');
    last = found === -1 ? index.blocks : found;
  }
  return true;
}

function runMetaindex(input: Uint8Array<ArrayBuffer>): boolean {
  const block = new Block(input, FILE, 0);
  const handles = parseMetaindex(block, DATA_END);
  for (const handle of [handles.filter, handles.legacyFilter, handles.merkle])
    demand(handle === undefined || handle.offset + handle.size + 5 <= DATA_END, 'a handle out of bounds');
  const cursor = new BlockCursor();
  cursor.attach(block);
  let entries = 0;
  while (cursor.next()) demand(++entries <= input.length, 'more entries than bytes');
  return true;
}

function runFilter(input: Uint8Array): boolean {
  const filter = new FilterBlockReader(input);
  let all = true;
  for (const offset of [0, 1, 2047, 2048, 100_000, 2 ** 40, Number.MAX_SAFE_INTEGER])
    for (const hash of [0, 1, 0x7fff_ffff, 0xffff_ffff]) all = filter.mayContain(offset, hash) && all;
  return all;
}

/** States as many leaves as there are, and their root. */
function stateRoot(bytes: Uint8Array): void {
  const blocks = Math.floor((bytes.length - MERKLE_HEADER_BYTES) / HASH_BYTES);
  if (blocks < 0) return;
  writeU64BE(bytes, 0, blocks);
  bytes.set(tableRoot(bytes.subarray(MERKLE_HEADER_BYTES), blocks), MERKLE_HEADER_BYTES - HASH_BYTES);
}

function runMerkle(input: Uint8Array): boolean {
  const stated = readStatedRoot(input, FILE, 0);
  const block = decodeMerkleBlock(input, FILE, 0);
  demand(
    block.leaves.length === 32 * block.blocks && stated.blocks === block.blocks,
    'leaves that are not counted',
  );
  return true;
}
