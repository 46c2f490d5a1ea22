/**
 * Open tables, bounded in number.
 *
 * A reader that is used across a wait is pinned: `acquire`, then `release`. Pinned readers stay open whatever the
 * bound; of the others the least recently used are closed. At most one open per table is under way; everyone who
 * wants the table waits for that one.
 *
 * INVARIANT: `#idle` holds the readers that were released and that nobody pins. A reader that was just opened is
 * not among them: who waited for it comes to pin it.
 *
 * Main thread only.
 */
import { corruption, EngineError, ErrorCode, errnoOf } from '@arena-level/common/base/errors';
import { invariant } from '@arena-level/common/base/invariant';
import { Running, runNow, type Steps, wait } from '@arena-level/common/base/steps';
import { fileName, tableFile } from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage } from '@arena-level/common/storage/storage';
import { openTable, type TableReader } from '@arena-level/common/table/table-reader';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { type LruEntry, LruList } from './lru.ts';

interface OpenTable extends LruEntry {
  readonly number: number;
  readonly reader: TableReader;
  pins: number;
  /** Not to be found any more: closed with its last pin. */
  isEvicted: boolean;
}

interface Opening {
  running: Running<void> | undefined;
  isEvicted: boolean;
}

/** Where tables are opened. */
export type TableFiles = Pick<Storage, 'openRead' | 'openReadNow'>;

export class TableCache {
  /** Times a table was asked for and was open, and times it had to be opened. */
  hits = 0;
  misses = 0;
  readonly #storage: TableFiles;
  readonly #maxOpenFiles: number;
  /** By table number, but for evicted ones. */
  readonly #byNumber = new Map<number, OpenTable>();
  /** All. */
  readonly #byReader = new Map<TableReader, OpenTable>();
  readonly #idle = new LruList<OpenTable>();
  /** Asynchronous opens under way. */
  readonly #openings = new Map<number, Opening>();
  /** File opens in the pool, those included that were taken over and whose file is closed when it comes. */
  readonly #fileOpens = new Set<Promise<ReadableFile>>();
  #isClosed = false;
  #onAllClosed: (() => void) | undefined;

  constructor(storage: TableFiles, maxOpenFiles: number) {
    this.#storage = storage;
    this.#maxOpenFiles = maxOpenFiles;
  }

  /** Tables open now, evicted ones that are still pinned included. */
  get openTables(): number {
    return this.#byReader.size;
  }

  /** The reader of a table that is open; not pinned, so good until the caller waits for something. */
  peek(tableNumber: number): TableReader | undefined {
    const table = this.#byNumber.get(tableNumber);
    if (table === undefined) return undefined;
    this.hits++;
    if (table.linked) this.#idle.touch(table);
    return table.reader;
  }

  /** The reader of a table that is open, pinned. */
  tryAcquire(tableNumber: number): TableReader | undefined {
    const reader = this.#pin(tableNumber);
    if (reader !== undefined) this.hits++;
    return reader;
  }

  /** The reader of a table, pinned. A file that is missing or not of the stated size is LEVEL_CORRUPTION. */
  *acquire(table: TableMetadata): Steps<TableReader> {
    let reader = this.tryAcquire(table.number);
    while (reader === undefined) {
      yield* wait(
        () => this.#openNow(table),
        () => this.#openLater(table),
      );
      reader = this.#pin(table.number);
    }
    return reader;
  }

  #pin(tableNumber: number): TableReader | undefined {
    const table = this.#byNumber.get(tableNumber);
    if (table === undefined) return undefined;
    table.pins++;
    this.#idle.remove(table);
    return table.reader;
  }

  /** Takes one pin off. */
  release(reader: TableReader): void {
    const table = this.#byReader.get(reader);
    invariant(table !== undefined && table.pins > 0, 'a table is released once per pin');
    if (--table.pins > 0) return;
    if (table.isEvicted) {
      this.#close(table);
    } else {
      this.#idle.touch(table);
      this.#closeSurplus();
    }
  }

  /** Closes a table whose file is about to be removed: no version has it any more, so nobody new asks for it. */
  evict(tableNumber: number): void {
    const opening = this.#openings.get(tableNumber);
    if (opening !== undefined) opening.isEvicted = true;
    const table = this.#byNumber.get(tableNumber);
    if (table === undefined) return;
    this.#byNumber.delete(tableNumber);
    this.#idle.remove(table);
    table.isEvicted = true;
    if (table.pins === 0) this.#close(table);
  }

  /** Opens no more tables, and resolves when all are closed: those in use when they are released. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const number of [...this.#byNumber.keys()]) this.evict(number);
    for (const { running } of this.#openings.values()) await running?.promise.catch(() => {});
    await Promise.allSettled(this.#fileOpens);
    if (this.#byReader.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onAllClosed = resolve;
    });
  }

  #openNow(table: TableMetadata): void {
    if (this.#byNumber.has(table.number)) return;
    const underWay = this.#openings.get(table.number)?.running;
    if (underWay !== undefined) underWay.finishNow();
    else runNow(this.#open(table, { running: undefined, isEvicted: false }));
  }

  #openLater(table: TableMetadata): Promise<void> {
    const underWay = this.#openings.get(table.number)?.running;
    if (underWay !== undefined) return underWay.promise;
    const opening: Opening = { running: undefined, isEvicted: false };
    this.#openings.set(table.number, opening);
    opening.running = new Running(this.#open(table, opening));
    return opening.running.promise;
  }

  *#open(metadata: TableMetadata, opening: Opening): Steps<void> {
    this.misses++;
    try {
      const file = yield* this.#openFile(metadata);
      let reader: TableReader;
      try {
        reader = yield* openTableFile(file, metadata);
        if (this.#isClosed || opening.isEvicted) throw notOpen(metadata);
      } catch (error) {
        file.closeNow();
        throw error;
      }
      const { number } = metadata;
      const table = {
        newer: undefined,
        older: undefined,
        linked: false,
        number,
        reader,
        pins: 0,
        isEvicted: false,
      };
      this.#byNumber.set(number, table);
      this.#byReader.set(reader, table);
      this.#closeSurplus();
    } finally {
      if (this.#openings.get(metadata.number) === opening) this.#openings.delete(metadata.number);
    }
  }

  *#openFile(metadata: TableMetadata): Steps<ReadableFile> {
    try {
      return yield* this.#openFileOnce(metadata);
    } catch (error) {
      if (!isOutOfDescriptors(error) || !this.#closeAllIdle()) throw named(error, metadata);
      return yield* this.#openFileOnce(metadata);
    }
  }

  #openFileOnce(metadata: TableMetadata): Steps<ReadableFile> {
    if (this.#isClosed) throw notOpen(metadata);
    const desc = tableFile(metadata.number);
    let isTakenOver = false;
    let arrived: ReadableFile | undefined;
    return wait(
      () => {
        if (arrived !== undefined) return arrived;
        isTakenOver = true;
        return this.#storage.openReadNow(desc);
      },
      () => {
        const opened = this.#storage.openRead(desc).then((file) => {
          if (isTakenOver) file.closeNow();
          else arrived = file;
          return file;
        });
        this.#fileOpens.add(opened);
        const forget = (): void => void this.#fileOpens.delete(opened);
        opened.then(forget, forget);
        return opened;
      },
    );
  }

  #closeSurplus(): void {
    while (this.#byReader.size > this.#maxOpenFiles && this.#idle.oldest !== undefined) {
      this.evict(this.#idle.oldest.number);
    }
  }

  /** Whether there was one. */
  #closeAllIdle(): boolean {
    if (this.#idle.oldest === undefined) return false;
    while (this.#idle.oldest !== undefined) this.evict(this.#idle.oldest.number);
    return true;
  }

  #close(table: OpenTable): void {
    this.#byReader.delete(table.reader);
    table.reader.close();
    if (this.#byReader.size === 0) this.#onAllClosed?.();
  }
}

function* openTableFile(file: ReadableFile, metadata: TableMetadata): Steps<TableReader> {
  const { number, size } = metadata;
  if (file.size !== size) {
    throw corruption(`has ${file.size} bytes where the manifest states ${size}`, fileName(tableFile(number)));
  }
  return yield* openTable(file, size, metadata);
}

/** A table that the manifest names and the directory does not is damage, not a passing failure. */
function named(error: unknown, { number }: TableMetadata): unknown {
  if (errnoOf(error) !== 'ENOENT') return error;
  const file = fileName(tableFile(number));
  return new EngineError(ErrorCode.Corruption, `${file}: the manifest names this table, and it is missing`, {
    file,
    cause: error,
  });
}

function isOutOfDescriptors(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'EMFILE' || errno === 'ENFILE';
}

function notOpen({ number }: TableMetadata): EngineError {
  return new EngineError(
    ErrorCode.DatabaseNotOpen,
    `${fileName(tableFile(number))} is not opened: the store is closing`,
  );
}
