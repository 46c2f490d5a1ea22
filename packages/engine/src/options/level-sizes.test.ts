import { KIB, MIB } from '@arena-level/common/base/limits';
import { expect, test } from 'vitest';
import { LEVELDB_SIZES } from './level-sizes.ts';
import { resolveOptions } from './options.ts';

test.each([
  { writeBuffer: 4 * KIB, level1: 10 * MIB, table: 2 * MIB },
  { writeBuffer: 4 * MIB, level1: 16 * MIB, table: 2 * MIB },
  { writeBuffer: undefined, level1: 128 * MIB, table: 8 * MIB },
  { writeBuffer: 256 * MIB, level1: 1024 * MIB, table: 64 * MIB },
])('levels and tables follow a write buffer of $writeBuffer bytes', ({ writeBuffer, level1, table }) => {
  const options = writeBuffer === undefined ? {} : { writeBufferSize: writeBuffer };
  expect(resolveOptions(options).sizes).toMatchObject({ level1Bytes: level1, tableBytes: table });
});

test('or are those of LevelDB, or single ones of the user', () => {
  expect(resolveOptions({ levelSizes: 'leveldb' }).sizes).toEqual(LEVELDB_SIZES);
  expect(resolveOptions({ maxFileSize: MIB }).sizes).toMatchObject({
    tableBytes: MIB,
    level1Bytes: 128 * MIB,
  });
});
