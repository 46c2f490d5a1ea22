/** Building blocks and tables: CPU only, the file takes the bytes and forgets them. */
import { MIB } from '@arena-level/common/base/limits';
import { BlockBuilder } from '@arena-level/common/block/block-builder';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { tempFile } from '@arena-level/common/storage/file-desc';
import type { WritableFile } from '@arena-level/common/storage/storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import {
  Compression,
  DEFAULT_TABLE_OPTIONS,
  type TableOptions,
} from '@arena-level/common/table/table-options';
import { type Case, check, type Group, timed } from '../measure.ts';
import { type Entries, makeEntries } from './entries.ts';
import { entriesThatFit } from './filled-arena.ts';

const TABLE_BYTES: number = 8 * MIB;
const BLOCK_BYTES = 4096;

export const tableGroups: readonly Group[] = [
  {
    name: 'Block of 4 KiB, ascending keys',
    operation: 'entry',
    cases: () => [blockCase(makeEntries('ascending', entriesThatFit(TABLE_BYTES)))],
  },
  {
    name: 'Table of 8 MiB with Merkle leaves, ascending keys',
    operation: 'entry',
    cases: () => {
      const entries = makeEntries('ascending', entriesThatFit(TABLE_BYTES));
      return Object.values(Compression).flatMap((compression) =>
        [0, 10].map((bloomBitsPerKey) =>
          tableCase(entries, { ...DEFAULT_TABLE_OPTIONS, compression, bloomBitsPerKey }),
        ),
      );
    },
  },
];

function blockCase(entries: Entries): Case {
  return {
    name: 'no file, no checksum',
    sample() {
      const block = new BlockBuilder(16);
      let total = 0;
      const sample = timed(entries.count, () => {
        for (let at = 0; at < entries.count; at++) {
          const key = entries.keys[at]!;
          const value = entries.values[at]!;
          block.addEntry(key, 0, key.length, at + 1, ValueKind.Put, value, 0, value.length);
          if (block.sizeBytes < BLOCK_BYTES && at < entries.count - 1) continue;
          block.finish();
          total += block.entries;
          block.reset();
        }
      });
      check(total === entries.count, 'every entry is in a block');
      return sample;
    },
  };
}

function tableCase(entries: Entries, options: TableOptions): Case {
  const bloom =
    options.bloomBitsPerKey === 0 ? 'no bloom filter' : `bloom filter of ${options.bloomBitsPerKey} bits`;
  return {
    name: `${options.compression === Compression.None ? 'no compression' : options.compression}, ${bloom}`,
    sample() {
      const builder = new TableBuilder(forgetfulFile(), options);
      let size = 0;
      let blocks = 0;
      const sample = timed(entries.count, () => {
        for (let at = 0; at < entries.count; at++) {
          const key = entries.keys[at]!;
          const value = entries.values[at]!;
          builder.add(key, 0, key.length, at + 1, ValueKind.Put, value, 0, value.length);
        }
        ({ size, blocks } = builder.finish());
      });
      check(builder.entries === entries.count && blocks > 0, 'the table is built');
      const isCompressed = size < 0.8 * TABLE_BYTES;
      check(isCompressed === (options.compression === Compression.Snappy), 'blocks are stored as asked for');
      return sample;
    },
  };
}

function forgetfulFile(): WritableFile {
  const write = (_: Uint8Array, start: number, end: number): number => end - start;
  return {
    file: tempFile(1),
    writeNow: write,
    write: (bytes, start, end) => Promise.resolve(write(bytes, start, end)),
    syncNow: () => undefined,
    sync: () => Promise.resolve(),
    truncateNow: () => undefined,
    closeNow: () => undefined,
  };
}
