/** Stores of one table that someone put together by hand, every checksum right. */

import { type EngineError, isEngineError } from '@arena-level/common/base/errors';
import { runNow } from '@arena-level/common/base/steps';
import { type BlockType, writeBlockTrailer } from '@arena-level/common/block/block-trailer';
import { makeInternalKey } from '@arena-level/common/key/internal-key';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { decodeFooter, FOOTER_BYTES } from '@arena-level/common/table/table-format';
import { Compression } from '@arena-level/common/table/table-options';
import { openTable } from '@arena-level/common/table/table-reader';
import { open, type Store } from 'arena-level/engine';
import {
  blockOf,
  buildTable,
  type Entry,
  MemoryFile,
} from '../../packages/common/src/table/table.test-support.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes, text } from '../support/text-bytes.ts';
import { manifestOf } from './manifests.ts';
import { fileLike, SAMPLE_OPTIONS, type SampleStore } from './sample-store.ts';

export const TABLE = '000007.ldb';
const NUMBER = 7;

/** k00 to k11, three to a block. */
export const KEYS: readonly string[] = Array.from({ length: 12 }, (_, i) => `k${String(i).padStart(2, '0')}`);
export const valueFor = (key: string): string => `value of ${key} `.repeat(4);

export const internal = (key: string, sequence = 9, kind = 1): Uint8Array<ArrayBuffer> =>
  makeInternalKey(bytes(key), sequence, kind);

/** Contents of a data block with these keys under their values. */
export function dataBlock(...keys: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  return blockOf(
    keys.map((key) =>
      typeof key === 'string' ? [internal(key), bytes(valueFor(key))] : [key, bytes('value')],
    ),
  );
}

export const SOUND: Uint8Array<ArrayBuffer> = soundTable();

function soundTable(): Uint8Array<ArrayBuffer> {
  const entries: Entry[] = KEYS.map((key) => ({
    key: bytes(key),
    sequence: 9,
    kind: 1,
    value: bytes(valueFor(key)),
  }));
  return buildTable(entries, { blockBytes: 150, compression: Compression.None, bloomBitsPerKey: 10 }).file
    .contents;
}

/** Where the blocks of a table of the sound one's layout are. */
export function handlesOf(table: Uint8Array<ArrayBuffer>): {
  readonly data: readonly { readonly offset: number; readonly size: number }[];
  readonly metaindex: { readonly offset: number; readonly size: number };
  readonly index: { readonly offset: number; readonly size: number };
} {
  const reader = runNow(openTable(new MemoryFile(table), table.length));
  const data = Array.from({ length: reader.blocks }, (_, i) => reader.handle(i));
  return { data, ...decodeFooter(table.subarray(-FOOTER_BYTES), TABLE, table.length) };
}

/** Makes the trailer right of a block that was changed in place. */
export function seal(
  table: Uint8Array,
  { offset, size }: { offset: number; size: number },
  type: number,
): void {
  writeBlockTrailer(table, offset + size, table, offset, offset + size, type as BlockType);
}

export interface StatedKeys {
  readonly smallest?: Uint8Array;
  readonly largest?: Uint8Array;
}

export function openWith(sample: SampleStore, table: Uint8Array, stated: StatedKeys = {}): Promise<Store> {
  const [manifest] = fileLike(sample.files, /^MANIFEST/);
  const { smallest = internal(KEYS[0]!), largest = internal(KEYS.at(-1)!) } = stated;
  const edit = manifestOf(sample.files.get(manifest!)!).encode({
    logNumber: 0,
    nextFileNumber: 50,
    lastSequence: 100,
    newTables: [{ level: 1, table: { number: NUMBER, size: table.length, smallest, largest } }],
  });
  const files = new Map([
    ['CURRENT', sample.files.get('CURRENT')!],
    [manifest!, edit],
    [TABLE, table],
  ]);
  const storage = new MemoryStorage({ files });
  return open(storage.location, SAMPLE_OPTIONS, { storage, clock: new ManualClock() });
}

export interface Reads {
  /** By key; absent where the read failed. */
  readonly found: ReadonlyMap<string, string | undefined>;
  /** What the iterators gave before they ended or failed. */
  readonly forwards: readonly string[];
  readonly backwards: readonly string[];
  readonly errors: readonly EngineError[];
}

/** Reads all there is, in every way. Throws for anything that is no error of ours. */
export function readAll(store: Store): Reads {
  const errors: EngineError[] = [];
  const attempt = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (!isEngineError(error)) throw error;
      errors.push(error);
    }
  };
  const found = new Map<string, string | undefined>();
  for (const key of KEYS) attempt(() => void found.set(key, text(store.getSync(bytes(key)))));
  const scan = (reverse: boolean): string[] => {
    const entries: string[] = [];
    attempt(() => {
      for (const [key, value] of store.iterator({ reverse })) {
        if (entries.push(`${text(key)}=${text(value)}`) > 1_000) throw new Error('no end of it');
      }
    });
    return entries;
  };
  return { found, forwards: scan(false), backwards: scan(true), errors };
}
