import { Prng } from '@arena-level/common/base/prng';
import { BlockIterator } from '@arena-level/common/block/block-iterator';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import {
  Compression,
  DEFAULT_TABLE_OPTIONS,
  type TableOptions,
} from '@arena-level/common/table/table-options';
import { describe, expect, test } from 'vitest';
import { carveBlocks } from './carve-blocks.ts';
import { scanTable } from './scan-table.ts';

const TABLE = tableFile(7);

function makeTable(entries: number, options: Partial<TableOptions>, valueBytes = 40): MemoryStorage {
  const storage = new MemoryStorage();
  const builder = new TableBuilder(storage.createNow(TABLE), { ...DEFAULT_TABLE_OPTIONS, ...options });
  const prng = new Prng(1);
  const value = Uint8Array.from({ length: valueBytes }, (_, i) => (i % 3 === 0 ? prng.below(256) : 7));
  for (let i = 0; i < entries; i++) {
    const key = Buffer.from(`key-${String(i).padStart(6, '0')}`);
    builder.add(key, 0, key.length, i + 1, 1, value, 0, value.length);
  }
  builder.finish();
  return storage;
}

async function carvedEntries(storage: MemoryStorage): Promise<number> {
  const entry = new BlockIterator();
  let entries = 0;
  await carveBlocks(storage.openReadNow(TABLE), (block) => {
    if (block.restartsOffset === 0) return false;
    entry.attach(block);
    try {
      for (entry.first(); entry.valid; entry.next()) entries++;
      return true;
    } catch {
      return false;
    }
  });
  return entries;
}

describe('the blocks of a table without its index', () => {
  test.each([
    ['without compression', { blockBytes: 512 }, 500],
    ['with snappy', { blockBytes: 512, compression: Compression.Snappy }, 500],
    ['without a filter', { blockBytes: 512, bloomBitsPerKey: 0 }, 500],
    ['of one block', {}, 3],
    ['of several windows', { blockBytes: 65_536 }, 90_000],
  ])('%s are found, and none behind the data', async (_, options, entries) => {
    expect(await carvedEntries(makeTable(entries, options))).toBe(entries);
  });

  test('are found with a block of megabytes between them', async () => {
    expect(await carvedEntries(makeTable(3, {}, 3_000_000))).toBe(3);
  });

  test('are found up to one that is damaged', async () => {
    const storage = makeTable(100, { blockBytes: 512 });
    storage.damage(TABLE, (bytes) => {
      bytes[1500]! ^= 1;
      return undefined;
    });
    const found = await carvedEntries(storage);
    expect(found).toBeGreaterThan(10);
    expect(found).toBeLessThan(40);
  });

  test.each([0, 1, 5, 6, 100])('of a file of %i bytes of zeros are none', async (length) => {
    const storage = new MemoryStorage({ files: new Map([['000007.ldb', new Uint8Array(length)]]) });
    expect(await carvedEntries(storage)).toBe(0);
  });
});

describe('a scan', () => {
  test.each(['none', 'snappy'] as const)('tells what a whole table holds (%s)', async (compression) => {
    const storage = makeTable(1000, { blockBytes: 512, compression });
    expect(await scanTable(storage, 7)).toMatchObject({
      entries: 1000,
      smallestSequence: 1,
      largestSequence: 1000,
      size: storage.sizeNow(TABLE),
      damage: [],
    });
  });

  test('of a table with an index that is gone finds every entry, and says what is wrong', async () => {
    const storage = makeTable(1000, { blockBytes: 512 });
    storage.damage(TABLE, (bytes) => bytes.subarray(0, bytes.length - 48));
    expect(await scanTable(storage, 7)).toMatchObject({
      entries: 1000,
      largestSequence: 1000,
      damage: [{ file: '000007.ldb', reason: expect.stringContaining('not a table') }],
    });
  });

  test('of any single byte changed never finds an entry that was not there', async () => {
    const { length } = makeTable(60, { blockBytes: 256 }).readAllNow(TABLE, 1 << 20);
    for (let at = 0; at < length; at += 3) {
      const storage = makeTable(60, { blockBytes: 256 });
      storage.damage(TABLE, (bytes) => {
        bytes[at]! ^= 0x21;
        return undefined;
      });
      const { entries, largestSequence, damage } = await scanTable(storage, 7);
      expect(entries, `byte ${at}`).toBeLessThanOrEqual(60);
      expect(largestSequence).toBeLessThanOrEqual(60);
      expect(damage.length, `byte ${at}`).toBeGreaterThan(0);
    }
  });
});
