/** A store at one moment, laid out by hand: memtables and real tables on a storage in memory, under a read view. */
import { createArena } from '@arena-level/common/arena/arena';
import { systemClock } from '@arena-level/common/base/clock';
import { LEVELS } from '@arena-level/common/base/limits';
import type { Prng } from '@arena-level/common/base/prng';
import { encodeDeleteRecord, encodePutRecord } from '@arena-level/common/key/batch-record';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import { MemDbKind, type MemDbReader } from '@arena-level/common/memdb/memdb';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import { DEFAULT_TABLE_OPTIONS, type TableOptions } from '@arena-level/common/table/table-options';
import { BlockCache } from '../cache/block-cache.ts';
import { BlockLoader } from '../cache/block-loader.ts';
import { type ReadMode, ReadScheduler } from '../cache/read-scheduler.ts';
import type { SharedBlockCache } from '../cache/shared/shared-block-cache.ts';
import { SharedCachePlace } from '../cache/shared/shared-cache-place.ts';
import { TableCache } from '../cache/table-cache.ts';
import { sorted, type VersionedEntry } from '../iterator/entry-run.test-support.ts';
import { LoopTurns } from '../iterator/turns.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { type MemtableHandle, ReadView } from '../memtable/read-view.ts';
import { Version } from '../version/version.ts';

type Run = readonly VersionedEntry[];

export interface PictureLayout {
  /** Newest first; the first is the active one. Default: an empty one. */
  readonly memtables?: readonly Run[];
  /** Tables by level, level 0 newest first. */
  readonly levels?: readonly (readonly Run[])[];
}

export interface PictureOptions {
  readonly memdbKind?: MemDbKind;
  readonly cacheBytes?: number;
  /** Default: nothing is shared. */
  readonly shared?: SharedBlockCache;
  readonly maxOpenFiles?: number;
  readonly reads?: ReadMode;
  /** Number of the oldest table; each newer one has the next. Default 100. */
  readonly firstNumber?: number;
  readonly table?: Partial<TableOptions>;
  readonly schedule?: (complete: () => void) => void;
}

export class CountedMemtable implements MemtableHandle {
  readonly memdb: MemDbReader;
  holds = 0;

  constructor(memdb: MemDbReader) {
    this.memdb = memdb;
  }

  retain(): void {
    this.holds++;
  }

  release(): void {
    this.holds--;
  }
}

export class StorePicture {
  readonly storage: MemoryStorage;
  readonly tables: TableCache;
  readonly cache: BlockCache;
  readonly blocks: BlockLoader;
  readonly turns: LoopTurns = new LoopTurns(systemClock);
  readonly memtables: CountedMemtable[];
  readonly levels: TableMetadata[][];
  readonly view: ReadView;
  readonly all: VersionedEntry[];
  isVersionReleased = false;

  constructor(layout: PictureLayout, options: PictureOptions = {}) {
    const { memtables = [[]], levels = [] } = layout;
    this.storage = new MemoryStorage(options.schedule === undefined ? {} : { schedule: options.schedule });
    this.all = [...memtables.flat(), ...levels.flat(2)];
    this.memtables = memtables.map(
      (run) => new CountedMemtable(makeMemDb(run, options.memdbKind ?? MemDbKind.Hash)),
    );
    let number = (options.firstNumber ?? 100) + levels.flat().length;
    const tableOptions = { ...DEFAULT_TABLE_OPTIONS, blockBytes: 256, restartInterval: 3, ...options.table };
    this.levels = Array.from({ length: LEVELS }, (_, level) =>
      (levels[level] ?? []).map((run) => writeTable(this.storage, --number, run, tableOptions)),
    );
    this.tables = new TableCache(this.storage, options.maxOpenFiles ?? 100);
    this.cache = new BlockCache(options.cacheBytes ?? 1 << 20);
    const scheduler = new ReadScheduler(systemClock, options.reads ?? 'pool');
    this.blocks = new BlockLoader(this.cache, scheduler, SharedCachePlace.holding(options.shared));
    const version = new Version(1, this.levels, () => {
      this.isVersionReleased = true;
    });
    this.view = new ReadView(this.memtables[0]!, this.memtables.slice(1), version);
    version.release();
  }
}

export function writeTable(
  storage: MemoryStorage,
  number: number,
  run: Run,
  options: TableOptions,
): TableMetadata {
  const file = storage.createNow(tableFile(number));
  const builder = new TableBuilder(file, options);
  for (const { key, sequence, kind, value } of sorted(run)) {
    builder.add(key, 0, key.length, sequence, kind, value, 0, value.length);
  }
  const { size, smallest, largest } = builder.finish();
  file.closeNow();
  return { number, size, smallest, largest };
}

/** REQUIRES: distinct sequence numbers. */
export function makeMemDb(run: Run, kind: MemDbKind): MemDbReader {
  const bytes = run.reduce((sum, { key, value }) => sum + key.length + value.length + 16, 64);
  const arena = createArena({ kind, kvBytes: Math.max(4096, bytes), entries: run.length });
  arena.activate(0);
  const memdb = createMemDb(arena);
  const record = new Uint8Array(bytes);
  for (const { key, sequence, kind: valueKind, value } of [...run].sort((a, b) => a.sequence - b.sequence)) {
    const end =
      valueKind === ValueKind.Put
        ? encodePutRecord(record, 0, key, value)
        : encodeDeleteRecord(record, 0, key);
    memdb.insert(record, 0, end, 1, sequence);
  }
  return memdb;
}

/** A store as writes, flushes and compactions leave it: whatever is newer stands above what is older. */
export function randomLayout(prng: Prng, randomKey: (prng: Prng) => Uint8Array): PictureLayout {
  let last = 0;
  const write = (count: number): VersionedEntry[] =>
    Array.from({ length: count }, () => {
      const sequence = ++last;
      const kind = prng.oneIn(4) ? ValueKind.Delete : ValueKind.Put;
      const length = prng.oneIn(20) ? 400 : prng.below(12);
      const value =
        kind === ValueKind.Put ? Buffer.from(`${sequence}${'.'.repeat(length)}`) : Buffer.alloc(0);
      return { key: randomKey(prng), sequence, kind, value };
    });
  const levels: VersionedEntry[][][] = [[]];
  for (let level = prng.below(4); level > 0; level--) {
    levels[level] = prng.oneIn(5) ? [] : cut(prng, sorted(write(1 + prng.below(120))));
  }
  for (let tables = prng.below(5); tables > 0; tables--) levels[0]!.unshift(write(1 + prng.below(30)));
  const memtables = Array.from({ length: 1 + prng.below(3) }, () => write(prng.below(30))).reverse();
  return { memtables, levels };
}

/** Cuts a sorted run into tables anywhere, between two versions of a key too. */
function cut(prng: Prng, run: VersionedEntry[]): VersionedEntry[][] {
  const tables: VersionedEntry[][] = [];
  for (let start = 0; start < run.length; ) {
    const end = start + 1 + prng.below(40);
    tables.push(run.slice(start, end));
    start = end;
  }
  return tables;
}
