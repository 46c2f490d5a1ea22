/** Whole tables: opened, read in every way, verified. */
import { runNow } from '@arena-level/common/base/steps';
import { BlockType, writeBlockTrailer } from '@arena-level/common/block/block-trailer';
import { compareBytes, equalRanges } from '@arena-level/common/bytes/compare';
import { bloomHash } from '@arena-level/common/filter/bloom';
import { compareInternalKeys, makeInternalKey } from '@arena-level/common/key/internal-key';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { blockingBlocks } from '@arena-level/common/table/block-source';
import { statedRootOf } from '@arena-level/common/table/stated-root';
import { type TableBounds, tableBoundsOf } from '@arena-level/common/table/table-bounds';
import { TableIterator } from '@arena-level/common/table/table-iterator';
import { peekFromTable } from '@arena-level/common/table/table-lookup';
import { openTable, type TableReader } from '@arena-level/common/table/table-reader';
import { verifyTable } from '@arena-level/worker-flush/verify-table';
import { putTogether, takeApart } from '../../packages/worker-flush/src/table-parts.test-support.ts';
import { demand, type FuzzTarget } from './fuzz-target.ts';
import type { Mutator } from './mutator.ts';

const NUMBER = 7;
const NAME = '000007.ldb';
/** Entries that are looked up one by one. */
const LOOKUPS = 12;

interface Sample {
  readonly table: Uint8Array;
  readonly blocks: readonly { readonly offset: number; readonly size: number }[];
  readonly bounds: TableBounds;
}

/** `plain`: without compression; `compressed`: with snappy. */
export function tableTargets(plain: readonly Uint8Array[], compressed: readonly Uint8Array[]): FuzzTarget[] {
  const samples = [...plain, ...compressed].map(sampleOf);
  const run = (bytes: Uint8Array): boolean => runTable(bytes, samples);
  const repair = (bytes: Uint8Array<ArrayBuffer>): void => sealBlocks(bytes, samples);
  return [
    {
      name: 'table',
      weight: 5,
      corpus: [...plain, ...compressed],
      make: changeInPlace(samples),
      repair,
      run,
    },
    { name: 'table of changed parts', weight: 6, corpus: plain, make: changeParts, repair, run },
  ];
}

function sampleOf(table: Uint8Array): Sample {
  const reader = runNow(openTable(storageWith(table).openReadNow(tableFile(NUMBER)), table.length));
  const blocks = Array.from({ length: reader.blocks }, (_, i) => reader.handle(i));
  return { table, blocks, bounds: runNow(tableBoundsOf(reader.file)) };
}

function storageWith(table: Uint8Array): MemoryStorage {
  return new MemoryStorage({ files: new Map([[NAME, table]]) });
}

/** Makes the checksums right of the data blocks of a table of the same size. */
function sealBlocks(bytes: Uint8Array<ArrayBuffer>, samples: readonly Sample[]): void {
  const sample = samples.find(({ table }) => table.length === bytes.length);
  for (const { offset, size } of sample?.blocks ?? []) {
    const type = bytes[offset + size] === BlockType.Snappy ? BlockType.Snappy : BlockType.Raw;
    writeBlockTrailer(bytes, offset + size, bytes, offset, offset + size, type);
  }
}

/** Changes bytes of a data block under a right checksum. */
function changeInPlace(samples: readonly Sample[]) {
  return (_input: Uint8Array, _other: Uint8Array, mutator: Mutator): Uint8Array<ArrayBuffer> => {
    const { table, blocks } = mutator.pick(samples);
    const bytes = new Uint8Array(table);
    const { offset, size } = mutator.pick(blocks);
    const block = bytes.slice(offset, offset + size + 1);
    mutator.overwrite(block);
    bytes.set(block, offset);
    writeBlockTrailer(bytes, offset + size, bytes, offset, offset + size, block[size]! as BlockType);
    return bytes;
  };
}

/** A table put together anew, all checksums right, of parts of which some are changed, doubled, swapped or gone. */
function changeParts(input: Uint8Array, other: Uint8Array, mutator: Mutator): Uint8Array<ArrayBuffer> {
  const { prng } = mutator;
  const parts = takeApart(input);
  const { data } = parts;
  const at = prng.below(data.length);
  const one = data[at]!;
  switch (prng.below(9)) {
    case 0:
      data.splice(at, 0, one);
      break;
    case 1:
      data.splice(at, 1);
      break;
    case 2:
      data.push(...data.splice(at, 1));
      break;
    case 3:
      data[at] = mutator.pick(takeApart(other).data);
      break;
    case 4:
      data[at] = { ...one, separator: mutator.mutate(one.separator, mutator.pick(data).separator) };
      break;
    case 5: {
      const [name, contents] = mutator.pick([...parts.meta]);
      parts.meta.set(name, mutator.mutate(contents, one.contents));
      break;
    }
    case 6:
      parts.moveHandle = (handle, block) =>
        block === at
          ? { offset: Math.max(0, handle.offset + prng.below(9) - 4), size: handle.size + prng.below(3) }
          : handle;
      break;
    default:
      data[at] = { ...one, contents: mutator.mutate(one.contents, mutator.pick(data).contents) };
  }
  return putTogether(parts);
}

function runTable(bytes: Uint8Array, samples: readonly Sample[]): boolean {
  const storage = storageWith(bytes);
  const { bounds } = samples.find(({ table }) => equalRanges(table, 0, 40, bytes, 0, 40)) ?? samples[0]!;
  const job = { tableNumber: NUMBER, size: bytes.length, ...bounds };
  const verified = verifyTable(job, storage);
  demand(verified.kind === 'verified', 'verification failed');
  const { problems, entries, blocks } = verified;
  demand(
    problems.every((problem) => problem.startsWith(NAME)),
    'a problem that names no file',
  );
  const file = storage.openReadNow(tableFile(NUMBER));
  let reader: TableReader;
  try {
    reader = runNow(openTable(file, bytes.length, bounds));
    readWhole(reader, bytes.length, problems.length === 0 ? entries : undefined);
    demand(problems.length > 0 || reader.blocks === blocks, 'another number of blocks');
    runNow(reader.merkle());
    runNow(statedRootOf(file));
    runNow(tableBoundsOf(file));
  } catch (error) {
    demand(
      problems.length > 0 || !isRefusal(error),
      `verify finds nothing, and reading does: ${String(error)}`,
    );
    throw error;
  }
  return problems.length === 0;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'EngineError';
}

/** Reads a table forwards, backwards and by key; `entries`: how many there must be. */
function readWhole(reader: TableReader, most: number, entries: number | undefined): void {
  const iterator = new TableIterator(reader, blockingBlocks);
  const keys: Uint8Array[] = [];
  const keyHere = (): Uint8Array =>
    makeInternalKey(
      iterator.keyBytes.subarray(iterator.keyStart, iterator.keyEnd),
      iterator.sequence,
      iterator.kind,
    );
  for (iterator.first(); iterator.valid; iterator.next()) {
    demand(keys.push(keyHere()) <= 22 * most, 'more entries than bytes');
    demand(keys.length === 1 || compareInternalKeys(keys.at(-2)!, keys.at(-1)!) < 0, 'keys do not ascend');
  }
  demand(entries === undefined || keys.length === entries, 'another number of entries than verified');
  let at = keys.length;
  for (iterator.last(); iterator.valid; iterator.prev())
    demand(compareBytes(keyHere(), keys[--at]!) === 0, 'other entries backwards');
  demand(at === 0, 'fewer entries backwards');
  const step = Math.max(1, Math.floor(keys.length / LOOKUPS));
  for (let i = 0; i < keys.length; i += step) {
    const key = keys[i]!;
    const userEnd = key.length - 8;
    const sequence = Number(Buffer.from(key.subarray(userEnd)).readBigUInt64LE() >> 8n);
    iterator.seek(key, 0, userEnd, sequence);
    demand(iterator.valid && compareBytes(keyHere(), key) === 0, 'a seek misses what the scan gave');
    const hash = bloomHash(key, 0, userEnd);
    const hit = peekFromTable(reader, blockingBlocks, key, 0, userEnd, sequence, hash);
    demand(typeof hit !== 'symbol', 'blocked where everything is at hand');
    const block = reader.findBlock(key, 0, userEnd, sequence);
    // A filter that lies under a right checksum is for verify to find.
    if (hit === undefined && entries === undefined && !reader.mayContain(block, hash, key, 0, userEnd))
      continue;
    demand(hit?.sequence === sequence, 'a lookup misses what the scan gave');
  }
  iterator.release();
}
