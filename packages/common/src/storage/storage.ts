import type { FileDesc } from './file-desc.ts';
import type { StorageSpec } from './storage-spec.ts';

/**
 * All file access of the engine, inside one directory.
 *
 * Methods ending in `Now` block the thread; those that may take long have a twin that does not. Every operation
 * whose order matters for durability is explicit: `sync`, `syncDirectory`, `rename`, `remove`.
 *
 * Errors: every failure is an `EngineError` with code LEVEL_IO_ERROR that names the action and the file, the
 * system error as its `cause`.
 */
export interface Storage {
  /** For messages: the directory, or a name for one that is not on disk. */
  readonly location: string;

  /** The recognised files of the directory, in no order. Unknown names are not reported and never touched. */
  listNow(): FileDesc[];
  /** Size in bytes, or undefined when there is no such file. A symbolic link inside the store is an error. */
  sizeNow(file: FileDesc): number | undefined;

  /** Creates a file that does not exist yet. */
  createNow(file: FileDesc): WritableFile;
  /** Opens an existing file for writing at explicit positions (the roots file; cutting a torn journal). */
  openWriteNow(file: FileDesc): WritableFile;
  openReadNow(file: FileDesc): ReadableFile;
  openRead(file: FileDesc): Promise<ReadableFile>;
  /** The whole of a file; one of more than `limitBytes` bytes is LEVEL_CORRUPTION. */
  readAllNow(file: FileDesc, limitBytes: number): Uint8Array<ArrayBuffer>;

  /** Replaces `to` when it exists; `from` may bear its legacy name. Durable after the next directory sync. */
  renameNow(from: FileDesc, to: FileDesc): void;
  /**
   * Gives a table of another storage the same name here, as a second name of one file (a hard link). False when that
   * is not possible, and a copy has to do: the two are not on one file system, or it has no such links.
   *
   * REQUIRES: a table. Nothing else is never written again. Durable after the next directory sync.
   */
  linkTable(source: StorageSpec | undefined, file: FileDesc): Promise<boolean>;
  /** A file that is already gone is no error. */
  removeNow(file: FileDesc): void;
  remove(file: FileDesc): Promise<void>;
  /**
   * Moves a file out of the store into its folder `lost/`, under a free name there, which is returned. The new name
   * is durable at once; that the old one is gone, after the next directory sync.
   */
  quarantineNow(file: FileDesc): string;
  /**
   * Removes what was moved to `lost/`, and the folder when nothing else is in it; returns the names. What bears a
   * name that `quarantineNow` does not give stays.
   */
  emptyLostNow(): string[];

  /** Makes creations, renames and removals so far durable. */
  syncDirectoryNow(): void;
  syncDirectory(): Promise<void>;

  /**
   * What another thread needs to open the same storage, as plain data. Undefined when nobody but holders of this
   * object can reach it.
   */
  readonly spec: StorageSpec | undefined;

  /** Frees what the storage itself holds (not files opened through it). */
  closeNow(): void;
}

/**
 * A file opened for writing. Writes are positional, so that repeating one is harmless.
 *
 * A blocking sync may be taken while an asynchronous one is under way, and each must see a write-back error by
 * itself: Linux reports one once per open file description, so an implementation on real files uses a descriptor
 * of its own for each kind. A file whose sync failed is never synced again by the engine.
 */
export interface WritableFile {
  readonly file: FileDesc;
  /**
   * Writes bytes[start, end) at `position` and returns how many bytes were written: fewer than asked when the disk
   * filled up in the middle. The caller checks.
   */
  writeNow(bytes: Uint8Array, start: number, end: number, position: number): number;
  write(bytes: Uint8Array, start: number, end: number, position: number): Promise<number>;
  /** Data and size become durable (fdatasync). */
  syncNow(): void;
  sync(): Promise<void>;
  truncateNow(size: number): void;
  /** Asynchronous operations under way still end, as they would have. Closing again does nothing. */
  closeNow(): void;
}

export interface ReadableFile {
  readonly file: FileDesc;
  readonly size: number;
  /** Reads `length` bytes at `position` into target[start, ...) and returns how many were there. */
  readNow(target: Uint8Array, start: number, length: number, position: number): number;
  read(target: Uint8Array, start: number, length: number, position: number): Promise<number>;
  closeNow(): void;
}
