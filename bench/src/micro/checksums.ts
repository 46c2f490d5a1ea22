/** CRC-32C by length, and the hashes of the Merkle tree. */

import { KIB } from '@arena-level/common/base/limits';
import { crc32c, crc32cImplementation, crc32cJavaScript } from '@arena-level/common/bytes/crc32c';
import { masterRoot, tableLeaf } from '@arena-level/common/merkle/master-root';
import { TableRootBuilder } from '@arena-level/common/merkle/table-root';
import { check, type Group, timed } from '../measure.ts';

const LENGTHS = [16, 130, 256, KIB, 4 * KIB, 64 * KIB];
const CRC_BYTES_PER_SAMPLE = 8 * KIB * KIB;
/** A table of 32 MiB. */
const BLOCKS = 8192;
const BLOCK_BYTES: number = 4 * KIB;
const TABLES = 1000;

const bytes = new Uint8Array(64 * KIB).map((_, at) => (at * 31) & 0xff);

const crcGroups: readonly Group[] = LENGTHS.map((length) => {
  const calls = Math.ceil(CRC_BYTES_PER_SAMPLE / length);
  const expected = crc32cJavaScript(bytes, 0, length, 0);
  const sampleOf =
    (crc: (bytes: Uint8Array, start: number, end: number, initial: number) => number) => () => {
      let sum = 0;
      const sample = timed(calls, () => {
        for (let call = 0; call < calls; call++) sum += crc(bytes, 0, length, 0);
      });
      check(sum === expected * calls, 'all give the same checksum');
      return sample;
    };
  return {
    name: `CRC-32C of ${length} bytes`,
    operation: 'call',
    cases: () => [
      { name: `as used (${length < 256 ? 'javascript' : crc32cImplementation})`, sample: sampleOf(crc32c) },
      { name: 'javascript', sample: sampleOf(crc32cJavaScript) },
    ],
  };
});

const merkleGroup: Group = {
  name: 'Merkle: leaf per 4 KiB block, root per table, MasterRoot',
  operation: 'block, root',
  cases: () => {
    const block = new Uint8Array(1 + BLOCK_BYTES);
    const leaves = new TableRootBuilder();
    for (let at = 0; at < BLOCKS; at++) leaves.addBlock(block, 1, block.length);
    const root = leaves.root();
    const tables = Array.from({ length: TABLES }, (_, at) =>
      tableLeaf({
        level: 0,
        number: at,
        size: 1,
        smallest: new Uint8Array(24),
        largest: new Uint8Array(24),
        root,
      }),
    );
    return [
      {
        name: 'leaf of one block',
        sample: () => {
          const builder = new TableRootBuilder();
          const sample = timed(BLOCKS, () => {
            for (let at = 0; at < BLOCKS; at++) builder.addBlock(block, 1, block.length);
          });
          check(Buffer.from(builder.root()).equals(root), 'the root is the same each time');
          return sample;
        },
      },
      {
        name: `table root over ${BLOCKS} leaves`,
        sample: () => timed(1, () => check(leaves.root().length === 32, 'a root')),
      },
      {
        name: `MasterRoot over ${TABLES} table leaves`,
        sample: () => timed(1, () => check(masterRoot(tables).length === 32, 'a root')),
      },
    ];
  },
};

export const checksumGroups: readonly Group[] = [...crcGroups, merkleGroup];
