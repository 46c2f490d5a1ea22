import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@arena-level/common/base/clock';
import { ErrorCode } from '@arena-level/common/base/errors';
import { Prng } from '@arena-level/common/base/prng';
import { runNow } from '@arena-level/common/base/steps';
import { BlockIterator } from '@arena-level/common/block/block-iterator';
import { FILTER_KEY_PREFIX, FILTER_NAME, LEGACY_FILTER_NAME } from '@arena-level/common/filter/filter-block';
import { makeInternalKey } from '@arena-level/common/key/internal-key';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import {
  encodeMerkleBlock,
  MERKLE_BLOCK_NAME,
  TableRootBuilder,
} from '@arena-level/common/merkle/table-root';
import type { FlushResponse, VerifyResponse } from '@arena-level/common/protocol/flush-protocol';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { Compression, type TableOptions, type TableSummary } from '@arena-level/common/table/table-options';
import { openTable } from '@arena-level/common/table/table-reader';
import { describe, expect, test } from 'vitest';
import { buildTable } from './build-table.ts';
import { flushJob, frozenArena, put, randomWrites, type Write } from './frozen-arena.test-support.ts';
import { putTogether, type TableParts, takeApart } from './table-parts.test-support.ts';
import { verifyTable } from './verify-table.ts';

const SEED = Number(process.env['SEED'] ?? 20_240_608);
type Verified = Extract<VerifyResponse, { kind: 'verified' }>;
type Built = Extract<FlushResponse, { kind: 'built' }>;

interface Table {
  readonly image: Uint8Array<ArrayBuffer>;
  readonly summary: TableSummary;
}

function makeTable(writes: readonly Write[], options: Partial<TableOptions> = {}): Table {
  const storage = new MemoryStorage();
  const job = flushJob(frozenArena(MemDbKind.Hash, writes), {}, options);
  const { table: summary } = buildTable(job, storage, systemClock) as Built;
  return { image: storage.readAllNow(tempFile(job.tempNumber), 1e8), summary };
}

function storageWith(image: Uint8Array): MemoryStorage {
  const storage = new MemoryStorage();
  const file = storage.createNow(tableFile(7));
  file.writeNow(image, 0, image.length, 0);
  file.closeNow();
  return storage;
}

type Manifest = Pick<TableSummary, 'size' | 'smallest' | 'largest'>;

function verify(image: Uint8Array, manifest: Manifest, storage: Storage = storageWith(image)): Verified {
  const { size, smallest, largest } = manifest;
  const response = verifyTable({ tableNumber: 7, size, smallest, largest }, storage);
  if (response.kind !== 'verified') throw new Error(response.error.message);
  return response;
}

/** 40 keys of one letter and two digits in blocks of some entries each. */
const WRITES = Array.from({ length: 40 }, (_, i) => put(`k${i + 10}`, `value of ${i}`.repeat(3)));
const SMALL = makeTable(WRITES, { blockBytes: 256, restartInterval: 2 });

describe('a sound table', () => {
  test(`has no problems and the root that its builder gave (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 12; round++) {
      const options = {
        blockBytes: 256 + prng.below(5000),
        restartInterval: 1 + prng.below(20),
        bloomBitsPerKey: prng.oneIn(3) ? 0 : 10,
        compression: prng.oneIn(2) ? Compression.Snappy : Compression.None,
      };
      const { image, summary } = makeTable(randomWrites(prng, 1 + prng.below(600)), options);
      const { problems, root, storedRoot, entries, blocks } = verify(image, summary);
      expect(problems, `round ${round}`).toEqual([]);
      expect(root).toEqual(summary.root);
      expect(storedRoot).toEqual(summary.root);
      expect({ entries, blocks }).toEqual({ entries: summary.entries, blocks: summary.blocks });
    }
  });

  test('stays sound when it is taken apart and put together', () => {
    const image = putTogether(takeApart(SMALL.image));
    expect(verify(image, { ...SMALL.summary, size: image.length }).problems).toEqual([]);
  });

  test('may have meta blocks that nobody here knows', () => {
    const parts = takeApart(SMALL.image);
    parts.meta.set('zz.unknown', new Uint8Array(3));
    const image = putTogether(parts);
    expect(verify(image, { ...SMALL.summary, size: image.length }).problems).toEqual([]);
  });

  const golden = new URL('../../../test/golden/', import.meta.url);
  const databases = readdirSync(golden, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => fileURLToPath(new URL(`${entry.name}/db/`, golden)));
  test.each(databases)(
    'that LevelDB or goleveldb wrote has no problems and no stored root: %s',
    (directory) => {
      const storage = new NodeStorage(directory);
      for (const { type, number } of storage.listNow()) {
        if (type !== 'table') continue;
        const size = storage.sizeNow(tableFile(number))!;
        const { smallest, largest } = boundsOf(storage, number);
        const response = verifyTable({ tableNumber: number, size, smallest, largest }, storage) as Verified;
        expect(response).toMatchObject({ problems: [], storedRoot: undefined });
        expect(response.entries).toBeGreaterThan(0);
      }
      storage.closeNow();
    },
  );
});

function boundsOf(storage: Storage, number: number): { smallest: Uint8Array; largest: Uint8Array } {
  const file = storage.openReadNow(tableFile(number));
  const table = runNow(openTable(file, file.size));
  const iterator = new BlockIterator();
  const current = () =>
    makeInternalKey(iterator.keyBytes.slice(0, iterator.keyEnd), iterator.sequence, iterator.kind);
  iterator.attach(table.readBlockNow(0));
  iterator.first();
  const smallest = current();
  iterator.attach(table.readBlockNow(table.blocks - 1));
  iterator.last();
  const largest = current();
  table.close();
  return { smallest, largest };
}

describe('damage that checksums find', () => {
  test('is reported for every single flipped bit of a table', () => {
    const { image, summary } = makeTable(WRITES.slice(0, 5), { blockBytes: 100 });
    for (let bit = 0; bit < image.length * 8; bit++) {
      image[bit >>> 3]! ^= 1 << (bit & 7);
      expect(verify(image, summary).problems.length, `bit ${bit}`).toBeGreaterThan(0);
      image[bit >>> 3]! ^= 1 << (bit & 7);
    }
  });

  test('is reported for every truncation, whatever the manifest says of the size', () => {
    const { image, summary } = makeTable(WRITES.slice(0, 5), { blockBytes: 100 });
    for (let length = 0; length < image.length; length++) {
      const cut = image.subarray(0, length);
      expect(verify(cut, summary).problems.length, `length ${length}`).toBeGreaterThan(0);
      expect(verify(cut, { ...summary, size: length }).problems.length, `length ${length}`).toBeGreaterThan(
        0,
      );
    }
  });

  test(`is reported, and nothing worse happens, for tables of noise (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 300; round++) {
      const image = SMALL.image.slice();
      for (let n = 1 + prng.below(40); n > 0; n--) image[prng.below(image.length)] = prng.below(256);
      if (Buffer.compare(image, SMALL.image) === 0) continue;
      expect(verify(image, SMALL.summary).problems.length, `round ${round}`).toBeGreaterThan(0);
    }
  });

  test('names each damaged block and goes on with the others', () => {
    const image = SMALL.image.slice();
    const parts = takeApart(image);
    const secondOffset = parts.data[0]!.contents.length + 5;
    image[3]! ^= 1;
    image[secondOffset + 3]! ^= 1;
    const { problems, entries, blocks, root } = verify(image, SMALL.summary);
    expect(problems).toContain('000007.ldb at offset 0: block checksum mismatch');
    expect(problems).toContain(`000007.ldb at offset ${secondOffset}: block checksum mismatch`);
    expect(entries).toBeGreaterThan(10);
    expect(entries).toBeLessThan(WRITES.length);
    expect(blocks).toBe(SMALL.summary.blocks);
    expect(root).not.toEqual(SMALL.summary.root);
  });

  test('of a table of garbage is told in a hundred problems and the number of the others', () => {
    const { image, summary } = makeTable(
      Array.from({ length: 400 }, (_, i) => put(`k${i + 1000}`, 'v')),
      { blockBytes: 32, restartInterval: 1, bloomBitsPerKey: 0 },
    );
    const parts = takeApart(image);
    for (const { contents } of parts.data) contents[3] = 0x80 + contents[3]!;
    const broken = putTogether(parts);
    const { problems } = verify(broken, summary);
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toMatch(/^000007\.ldb: \d+ more problems$/);
  });
});

/** Damage behind sound checksums: what a bug of a writer, or a forger, would leave. */
const DAMAGES: {
  readonly id: string;
  readonly change: (parts: TableParts) => void;
  readonly problem: string;
}[] = [
  {
    id: 'a changed value',
    change: ({ data }) => replaceText(data[1]!.contents, 'value', 'VALUE'),
    problem: 'data block 1 does not have the hash that the Merkle block states',
  },
  {
    id: 'a leaf that is not its block, under a root that fits',
    change: (parts) => {
      const builder = new TableRootBuilder();
      for (const _ of parts.data) builder.addLeaf(new Uint8Array(32));
      parts.meta.set(MERKLE_BLOCK_NAME, encodeMerkleBlock(builder));
    },
    problem: 'data block 0 does not have the hash',
  },
  {
    id: 'a Merkle block whose root is not the root of its leaves',
    change: ({ meta }) => {
      meta.get(MERKLE_BLOCK_NAME)![8]! ^= 1;
    },
    problem: 'a root that is not the root of its leaves',
  },
  {
    id: 'a data block left out',
    change: ({ data }) => data.splice(1, 1),
    problem: `the Merkle block states ${SMALL.summary.blocks} data blocks, the index ${SMALL.summary.blocks - 1}`,
  },
  {
    id: 'a first data block left out',
    change: ({ data }) => data.splice(0, 1),
    problem: 'the first key is',
  },
  {
    id: 'a last data block left out',
    change: ({ data }) => data.pop(),
    problem: 'the last key is',
  },
  {
    id: 'two data blocks in the wrong order',
    change: ({ data }) => data.splice(1, 2, data[2]!, data[1]!),
    problem: 'does not sort after',
  },
  {
    id: 'a key out of order inside a block',
    change: ({ data }) => {
      data[0]!.contents[3]! = 'z'.charCodeAt(0);
    },
    problem: 'does not sort after the entry before',
  },
  {
    id: 'one entry twice',
    change: ({ data }) => data.splice(1, 0, data[1]!),
    problem: 'does not sort after the entry before',
  },
  {
    id: 'a key that the filter does not know',
    change: ({ meta }) => {
      const filter = meta.get(FILTER_KEY_PREFIX + FILTER_NAME)!;
      filter.fill(0, 0, 6);
    },
    problem: 'has a key that the filter says is absent',
  },
  {
    id: 'a kind of entry that does not exist',
    change: ({ data }) => {
      data[0]!.contents[3 + 3] = 2;
    },
    problem: 'entry at 0 of the data block is of unknown kind 2',
  },
  {
    id: 'a sequence number that is not exact here',
    change: ({ data }) => {
      data[0]!.contents[3 + 3 + 7] = 0x20;
    },
    problem: 'has a sequence number above 2^53 - 1',
  },
  {
    id: 'an index key before the last entry of its block',
    change: ({ data }) => {
      data[1]!.separator = makeInternalKey(Buffer.from('k'), 1, 1);
    },
    problem: 'the index key of the data block sorts before its last entry',
  },
  {
    id: 'an index key behind the first entry of the next block',
    change: ({ data }) => {
      data[0]!.separator = makeInternalKey(Buffer.from('l'), 1, 1);
    },
    problem: 'does not sort after the index key of the block before',
  },
  {
    id: 'an index key without a trailer',
    change: ({ data }) => {
      data[1]!.separator = Buffer.from('k');
    },
    problem: 'the index key of the data block is shorter than its trailer',
  },
  {
    id: 'an index entry that leads to another block',
    change: (parts) => {
      let first = { offset: 0, size: 0 };
      parts.moveHandle = (handle, block) => {
        if (block === 0) first = handle;
        return block === 1 ? first : handle;
      };
    },
    problem: 'the data block stands before the one that precedes it in the index',
  },
  {
    id: 'an index entry that leads out of the file',
    change: (parts) => {
      parts.moveHandle = (handle, block) => (block === 1 ? { ...handle, offset: 1e9 } : handle);
    },
    problem: 'out of bounds',
  },
  {
    id: 'an index entry that leads to half a block',
    change: (parts) => {
      parts.moveHandle = (handle, block) => (block === 1 ? { ...handle, size: handle.size >> 1 } : handle);
    },
    problem: 'block checksum mismatch',
  },
  {
    id: 'bytes that belong to no block',
    change: (parts) => {
      parts.gapBefore = 1;
    },
    problem: '5 bytes belong to no block',
  },
  {
    id: 'a restart point in the middle of an entry',
    change: ({ data }) => {
      const { contents } = data[0]!;
      contents[contents.length - 4 - 4 * restartsOf(contents) + 4]!++;
    },
    problem: 'restart point 1 of the block is not the start of an entry',
  },
  {
    id: 'a restart point at an entry that is not whole',
    change: ({ data }) => {
      // The restart at the third entry is moved to the second, which shares bytes with the first.
      const { contents } = data[0]!;
      contents[contents.length - 4 - 4 * restartsOf(contents) + 4] = 3 + contents[1]! + contents[2]!;
    },
    problem: 'shares bytes of the key before',
  },
  {
    id: 'restart points out of order',
    change: ({ data }) => {
      const { contents } = data[0]!;
      contents[contents.length - 4 - 4 * restartsOf(contents) + 4] = 0;
    },
    problem: 'restart point 1 of the block is out of place',
  },
  {
    id: 'an entry that is longer than its block',
    change: ({ data }) => {
      data[0]!.contents[1] = 0xff;
    },
    problem: 'of the block has lengths that do not fit',
  },
  {
    id: 'an entry that shares more bytes than the key before has',
    change: ({ data }) => {
      data[0]!.contents[0] = 1;
    },
    problem: 'entry at 0 of the block has lengths that do not fit',
  },
  {
    id: 'a data block without entries',
    change: ({ data }) => {
      data[1]!.contents = Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0);
    },
    problem: 'the data block has no entries',
  },
];

function restartsOf(contents: Uint8Array): number {
  return contents[contents.length - 4]!;
}

function replaceText(bytes: Uint8Array, from: string, to: string): void {
  bytes.set(Buffer.from(to), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(from));
}

describe('damage behind sound checksums', () => {
  test.each(DAMAGES)('is reported: $id', ({ change, problem }) => {
    const parts = takeApart(SMALL.image);
    change(parts);
    const image = putTogether(parts);
    const { problems } = verify(image, { ...SMALL.summary, size: image.length });
    expect(problems).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
    for (const each of problems) expect(each).toMatch(/^000007\.ldb( at offset \d+)?: ./);
  });

  test.each([
    { id: 'size', change: { size: SMALL.summary.size + 1 }, problem: 'the manifest states' },
    {
      id: 'smallest key',
      change: { smallest: makeInternalKey(Buffer.from('k'), 1, 1) },
      problem: 'the first key is',
    },
    {
      id: 'largest key',
      change: { largest: makeInternalKey(Buffer.from('z'), 1, 1) },
      problem: 'the last key is',
    },
  ])('is reported where the manifest states another $id', ({ change, problem }) => {
    const { problems } = verify(SMALL.image, { ...SMALL.summary, ...change });
    expect(problems).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
  });

  test('is not seen in a filter of the older name, whose hash depended on the machine, by mistake', () => {
    const signed = makeTable(
      Array.from({ length: 30 }, (_, i) => ({ key: Uint8Array.of(0xc3, 0xa0 + i), value: Buffer.from('v') })),
    );
    const parts = takeApart(signed.image);
    const filter = parts.meta.get(FILTER_KEY_PREFIX + FILTER_NAME)!;
    parts.meta.delete(FILTER_KEY_PREFIX + FILTER_NAME);
    parts.meta.set(FILTER_KEY_PREFIX + LEGACY_FILTER_NAME, filter);
    const image = putTogether(parts);
    expect(verify(image, { ...signed.summary, size: image.length }).problems).toEqual([]);
  });
});

describe('a table that cannot be read', () => {
  test('because it is missing is a failure with the system error', () => {
    const response = verifyTable({ tableNumber: 7, ...SMALL.summary }, new MemoryStorage());
    expect(response).toMatchObject({ kind: 'failed', error: { code: ErrorCode.IoError, errno: 'ENOENT' } });
  });

  test('at any of its reads is a failure, and its file is closed', () => {
    const total = new FaultStorage(storageWith(SMALL.image));
    verify(SMALL.image, SMALL.summary, total);
    for (let nth = 1; nth <= total.countOf('read'); nth++) {
      const storage = new FaultStorage(storageWith(SMALL.image), {
        rules: [{ operation: 'read', nth, times: 1, effect: 'error', errno: 'EIO' }],
      });
      const response = verifyTable({ tableNumber: 7, ...SMALL.summary }, storage);
      expect(response, `read ${nth}`).toMatchObject({ kind: 'failed', error: { errno: 'EIO' } });
    }
  });
});
