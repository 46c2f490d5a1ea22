/**
 * The files of a store for somebody who only reads, beside a writer that may go on meanwhile.
 *
 * INVARIANT: nothing is written, created, renamed or removed through it: such a call is LEVEL_READONLY.
 *
 * Tables that were opened by `hold` stay readable when the writer removes them; another one that it removed is
 * ARENA_STALE.
 */
import { EngineError, ErrorCode, errnoOf } from '@arena-level/common/base/errors';
import { type FileDesc, FileType, fileName, tableFile } from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage, WritableFile } from '@arena-level/common/storage/storage';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';

/** Descriptors that are left to others where there are no more. */
const SPARED = 16;

export class ReadOnlyStorage implements Storage {
  readonly location: string;
  readonly spec: StorageSpec | undefined;
  readonly #inner: Storage;
  readonly #held = new Map<number, ReadableFile>();
  /** All tables of the store were there: one that is missing from now on was removed. */
  #isComplete = false;

  /** Owns `inner` only as far as `closeNow` is called. */
  constructor(inner: Storage) {
    this.location = inner.location;
    this.spec = inner.spec;
    this.#inner = inner;
  }

  /** Opens tables, as many as `limit` of them and as there are descriptors for. REQUIRES: once. */
  async hold(tables: readonly number[], limit: number): Promise<void> {
    try {
      for (const number of tables.slice(0, limit)) {
        this.#held.set(number, await this.#inner.openRead(tableFile(number)));
      }
    } catch (error) {
      if (!['EMFILE', 'ENFILE'].includes(errnoOf(error) ?? '')) throw error;
      for (const number of [...this.#held.keys()].slice(-SPARED)) this.#letGo(number);
    }
    this.#isComplete = true;
  }

  /** True for a table that cannot be found by its name any more. */
  isRemoved(table: number): boolean {
    return this.#isComplete && this.#inner.sizeNow(tableFile(table)) === undefined;
  }

  isHeld(table: number): boolean {
    return this.#held.has(table);
  }

  /** Lets go of what `hold` has opened. */
  releaseHeld(): void {
    for (const number of [...this.#held.keys()]) this.#letGo(number);
  }

  listNow(): FileDesc[] {
    return this.#inner.listNow();
  }

  sizeNow(file: FileDesc): number | undefined {
    return this.#heldFile(file)?.size ?? this.#inner.sizeNow(file);
  }

  openReadNow(file: FileDesc): ReadableFile {
    const held = this.#heldFile(file);
    if (held !== undefined) return shared(held);
    try {
      return this.#inner.openReadNow(file);
    } catch (error) {
      throw this.#named(file, error);
    }
  }

  async openRead(file: FileDesc): Promise<ReadableFile> {
    const held = this.#heldFile(file);
    if (held !== undefined) return shared(held);
    try {
      return await this.#inner.openRead(file);
    } catch (error) {
      throw this.#named(file, error);
    }
  }

  readAllNow(file: FileDesc, limitBytes: number): Uint8Array<ArrayBuffer> {
    return this.#inner.readAllNow(file, limitBytes);
  }

  createNow(file: FileDesc): WritableFile {
    throw refused('creating', fileName(file));
  }

  openWriteNow(file: FileDesc): WritableFile {
    throw refused('writing', fileName(file));
  }

  renameNow(from: FileDesc): void {
    throw refused('renaming', fileName(from));
  }

  async linkTable(_source: StorageSpec | undefined, file: FileDesc): Promise<boolean> {
    throw refused('linking', fileName(file));
  }

  removeNow(file: FileDesc): void {
    throw refused('removing', fileName(file));
  }

  async remove(file: FileDesc): Promise<void> {
    throw refused('removing', fileName(file));
  }

  quarantineNow(file: FileDesc): string {
    throw refused('moving', fileName(file));
  }

  emptyLostNow(): string[] {
    throw refused('emptying', 'lost');
  }

  syncDirectoryNow(): void {
    throw refused('syncing', this.location);
  }

  async syncDirectory(): Promise<void> {
    throw refused('syncing', this.location);
  }

  closeNow(): void {
    this.releaseHeld();
    this.#inner.closeNow();
  }

  #heldFile({ type, number }: FileDesc): ReadableFile | undefined {
    return type === FileType.Table ? this.#held.get(number) : undefined;
  }

  #letGo(table: number): void {
    this.#held.get(table)?.closeNow();
    this.#held.delete(table);
  }

  #named(file: FileDesc, error: unknown): unknown {
    const isGone = file.type === FileType.Table && errnoOf(error) === 'ENOENT';
    return this.#isComplete && isGone ? staleError(file.number) : error;
  }
}

/** What is said of a table that the writer has removed. */
export function staleError(table: number): EngineError {
  const file = fileName(tableFile(table));
  return new EngineError(
    ErrorCode.Stale,
    `${file}: its writer has removed it since this store was opened read-only; open it again to read what replaced it`,
    { file },
  );
}

function refused(action: string, name: string): EngineError {
  return new EngineError(ErrorCode.ReadOnly, `${action} ${name}: the store is open read-only`);
}

/** A file that another owner closes. */
function shared(held: ReadableFile): ReadableFile {
  return {
    file: held.file,
    size: held.size,
    readNow: (target, start, length, position) => held.readNow(target, start, length, position),
    read: (target, start, length, position) => held.read(target, start, length, position),
    closeNow: () => {},
  };
}
