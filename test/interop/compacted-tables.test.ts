import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@arena-level/common/base/clock';
import { Prng } from '@arena-level/common/base/prng';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { CompactionHandle } from '@arena-level/common/protocol/compaction-control';
import type { InputTable } from '@arena-level/common/protocol/compaction-protocol';
import { fileName, tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import { Compression, DEFAULT_TABLE_OPTIONS } from '@arena-level/common/table/table-options';
import { compactTables } from '@arena-level/worker-flush/compact-tables';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { seedFromEnvironment } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SEED = seedFromEnvironment(20_251_203);
const KEYS = 8000;

const keyOf = (number: number): Buffer => Buffer.from(`key ${String(number).padStart(7, '0')}`);

/** Writes every key, or one in twenty of the middle, under ascending sequence numbers, as one table. */
function writeTable(
  storage: NodeStorage,
  number: number,
  numbers: readonly number[],
  prng: Prng,
): InputTable {
  const file = storage.createNow(tableFile(number));
  const builder = new TableBuilder(file, DEFAULT_TABLE_OPTIONS);
  for (const one of numbers) {
    const key = keyOf(one);
    const isPut = number === 1 || !prng.oneIn(3);
    const value = Buffer.from(isPut ? `value ${one} of table ${number}`.repeat(1 + prng.below(6)) : '');
    const kind = isPut ? ValueKind.Put : ValueKind.Delete;
    builder.add(key, 0, key.length, number * KEYS + one, kind, value, 0, value.length);
  }
  const { size, smallest, largest } = builder.finish();
  file.closeNow();
  return { number, size, smallest, largest };
}

/** Everything that LevelDB finds in the tables of a directory, by iteration and key by key. */
async function readAll(directory: string): Promise<Map<string, string>> {
  await ClassicLevel.repair(directory);
  const db = new ClassicLevel<string, string>(directory, { createIfMissing: false });
  const entries = new Map(await db.iterator().all());
  const keys = [...entries.keys()];
  const values = await db.getMany(keys);
  expect(values).toEqual([...entries.values()]);
  expect(await db.getMany(['key 0000000+', 'no such key'])).toEqual([undefined, undefined]);
  await db.close();
  return entries;
}

/** A repair makes a store of the tables that LevelDB finds in a directory. */
test.each(Object.values(Compression))(
  `LevelDB finds in compacted tables what it finds in those they were made of: %s (seed ${SEED})`,
  async (compression) => {
    const prng = new Prng(SEED);
    const [before, after] = [temporaryDirectory(), temporaryDirectory()];
    const storage = new NodeStorage(before);
    const all = Array.from({ length: KEYS }, (_, i) => i);
    const runs = [1, 2, 3].map((number) => {
      const numbers = number === 1 ? all : all.filter((one) => one > 3000 && one < 5000 && prng.oneIn(10));
      return [writeTable(storage, number, numbers, prng)];
    });
    const response = compactTables(
      {
        runs: runs.toReversed(),
        below: [],
        grandparents: [],
        maxGrandparentBytes: Number.MAX_SAFE_INTEGER,
        dropHorizon: Number.MAX_SAFE_INTEGER,
        maxTableBytes: 100_000,
        tempNumbers: { first: 10, count: 100 },
        options: { ...DEFAULT_TABLE_OPTIONS, compression },
        ...new CompactionHandle().memory,
      },
      storage,
      systemClock,
    );
    storage.closeNow();
    if (response.kind !== 'compacted') throw new Error(JSON.stringify(response));
    expect(response.tables.length).toBeGreaterThan(1);
    if (compression === Compression.None) expect(response.blocksCopied).toBeGreaterThan(50);
    for (const { tempNumber } of response.tables) {
      renameSync(join(before, fileName(tempFile(tempNumber))), join(after, fileName(tableFile(tempNumber))));
    }
    const expected = await readAll(before);
    expect(expected.size).toBeLessThan(KEYS);
    expect(await readAll(after)).toEqual(expected);
  },
);
