/**
 * Storage in memory, for tests and for stores that need not last.
 *
 * Keeps a trace of all that happened, from which every state can be built that a crash might have left at any
 * moment, and lets tests look at and damage files. Asynchronous operations take effect when they complete; a sync
 * covers what was written when it was called.
 */
import { corruption, ioError } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { Prng } from '../base/prng.ts';
import { ByteImage } from './byte-image.ts';
import { CrashReplay, type LossModel } from './crash-replay.ts';
import { type FileDesc, FileType, fileName, isLostName, legacyName, parseFileName } from './file-desc.ts';
import { type Inode, type MemoryDisk, MemoryReadableFile, MemoryWritableFile } from './memory-file.ts';
import type { ReadableFile, Storage, WritableFile } from './storage.ts';
import type { StorageSpec } from './storage-spec.ts';
import type { StorageTrace, TraceEntry } from './storage-trace.ts';
import { systemError } from './system-error.ts';

export interface MemoryStorageOptions {
  /** What is there at the beginning, by name, durable. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** When asynchronous operations complete: calls what it is given, later, each once. Default: in a microtask. */
  readonly schedule?: (complete: () => void) => void;
}

export class MemoryStorage implements Storage {
  readonly location = '(memory)';
  readonly spec = undefined;
  /** Bytes all files together may take; a write beyond is short, and the next fails with ENOSPC. */
  capacityBytes: number = Number.POSITIVE_INFINITY;
  readonly #initial: ReadonlyMap<string, Uint8Array>;
  readonly #entries: TraceEntry[] = [];
  readonly #names = new Map<string, Inode>();
  readonly #schedule: (complete: () => void) => void;
  readonly #disk: MemoryDisk;
  #lastInode = 0;

  constructor(options: MemoryStorageOptions = {}) {
    this.#schedule = options.schedule ?? queueMicrotask;
    const initial = new Map<string, Uint8Array>();
    for (const [name, bytes] of options.files ?? []) {
      initial.set(name, bytes.slice());
      this.#names.set(name, { id: ++this.#lastInode, image: new ByteImage(bytes) });
    }
    this.#initial = initial;
    this.#disk = this.#makeDisk();
  }

  /**
   * A storage as a machine crash may have left it after the first `length` entries of a trace. All it holds is
   * durable. To go over a whole trace, one `CrashReplay` that advances is cheaper.
   */
  static replay(trace: StorageTrace, length: number, loss: LossModel, prng: Prng): MemoryStorage {
    return new MemoryStorage({ files: new CrashReplay(trace).advanceTo(length).crash(loss, prng) });
  }

  /**
   * A storage where the process died after the first `length` entries of a trace and the machine lives on: what was
   * not durable still is not. Its own trace goes on from there.
   */
  static resume(trace: StorageTrace, length: number): MemoryStorage {
    const storage = new MemoryStorage({ files: trace.initial });
    const inodes = new Map([...storage.#names.values()].map((inode) => [inode.id, inode]));
    for (const entry of trace.entries.slice(0, length)) {
      redo(entry, storage.#names, inodes);
      storage.#entries.push(entry);
    }
    storage.#lastInode = inodes.size;
    return storage;
  }

  /** A storage as a crash may leave this one now. */
  crashClone(loss: LossModel, prng: Prng): MemoryStorage {
    return MemoryStorage.replay(this.trace, this.#entries.length, loss, prng);
  }

  get trace(): StorageTrace {
    return { initial: this.#initial, entries: this.#entries };
  }

  /** Names, sorted, those in `lost/` included. */
  fileNames(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** A copy of all files by name. */
  snapshot(): Map<string, Uint8Array<ArrayBuffer>> {
    return new Map(this.fileNames().map((name) => [name, this.#names.get(name)!.image.contents()]));
  }

  /** Changes the contents of a file behind the engine's back, durably: `mutate` changes them in place or returns others. */
  damage(file: FileDesc, mutate: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | undefined): void {
    const { name, inode } = this.#find('damaging', file);
    const contents = inode.image.contents();
    const bytes = (mutate(contents) ?? contents).slice();
    inode.image.replace(bytes);
    this.#entries.push({ operation: 'damage', file: name, inode: inode.id, bytes });
  }

  listNow(): FileDesc[] {
    return [...this.#names.keys()].map(parseFileName).filter((file) => file !== undefined);
  }

  sizeNow(file: FileDesc): number | undefined {
    return this.#lookUp(file)?.inode.image.size;
  }

  createNow(file: FileDesc): WritableFile {
    const name = fileName(file);
    if (this.#names.has(name)) throw ioError('creating', name, systemError('EEXIST', `create ${name}`));
    const inode: Inode = { id: ++this.#lastInode, image: new ByteImage() };
    this.#names.set(name, inode);
    this.#entries.push({ operation: 'create', file: name, inode: inode.id });
    return new MemoryWritableFile(file, this.#disk, inode);
  }

  openWriteNow(file: FileDesc): WritableFile {
    const inode = this.#names.get(fileName(file));
    if (inode === undefined) throw missing('opening', fileName(file));
    return new MemoryWritableFile(file, this.#disk, inode);
  }

  openReadNow(file: FileDesc): ReadableFile {
    return new MemoryReadableFile(file, this.#disk, this.#find('opening', file).inode);
  }

  openRead(file: FileDesc): Promise<ReadableFile> {
    return this.#later(() => this.openReadNow(file));
  }

  readAllNow(file: FileDesc, limitBytes: number): Uint8Array<ArrayBuffer> {
    const { image } = this.#find('opening', file).inode;
    if (image.size > limitBytes) throw corruption(`larger than ${limitBytes} bytes`, fileName(file));
    return image.contents();
  }

  renameNow(from: FileDesc, to: FileDesc): void {
    const { name, inode } = this.#find('renaming', from);
    const target = fileName(to);
    this.#names.delete(name);
    this.#names.set(target, inode);
    this.#entries.push({ operation: 'rename', file: name, to: target, inode: inode.id });
  }

  /** Files of memories are copied. */
  async linkTable(_source: StorageSpec | undefined, file: FileDesc): Promise<boolean> {
    invariant(file.type === FileType.Table, 'only tables are linked: they are never written again');
    return false;
  }

  removeNow(file: FileDesc): void {
    const found = this.#lookUp(file);
    if (found === undefined) return;
    this.#names.delete(found.name);
    this.#entries.push({ operation: 'remove', file: found.name });
  }

  remove(file: FileDesc): Promise<void> {
    return this.#later(() => this.removeNow(file));
  }

  quarantineNow(file: FileDesc): string {
    const { name, inode } = this.#find('quarantining', file);
    let target = `lost/${name}`;
    for (let n = 1; this.#names.has(target); n++) target = `lost/${name}.${n}`;
    this.#names.delete(name);
    this.#names.set(target, inode);
    this.#entries.push({ operation: 'quarantine', file: name, to: target, inode: inode.id });
    return target;
  }

  emptyLostNow(): string[] {
    const lost = this.fileNames().filter((name) => name.startsWith('lost/') && isLostName(name.slice(5)));
    for (const name of lost) {
      this.#names.delete(name);
      this.#entries.push({ operation: 'remove', file: name });
    }
    return lost;
  }

  syncDirectoryNow(): void {
    this.#entries.push({ operation: 'sync-directory', covers: this.#entries.length });
  }

  syncDirectory(): Promise<void> {
    const covers = this.#entries.length;
    return this.#later(() => {
      this.#entries.push({ operation: 'sync-directory', covers });
    });
  }

  closeNow(): void {}

  #makeDisk(): MemoryDisk {
    const entries = this.#entries;
    return {
      later: (action) => this.#later(action),
      write: (file, inode, bytes, position) => {
        const length = this.#fitting(inode, bytes.length, position);
        inode.image.write(bytes, 0, length, position);
        entries.push({ operation: 'write', file, inode: inode.id, position, length, bytes });
        return length;
      },
      truncate: (file, inode, size) => {
        inode.image.resize(size);
        entries.push({ operation: 'truncate', file, inode: inode.id, size });
      },
      sync: (file, inode, covers, lost) => {
        entries.push({ operation: lost ? 'lost-sync' : 'sync', file, inode: inode.id, covers });
      },
      get traceLength() {
        return entries.length;
      },
    };
  }

  /** How many of `length` bytes fit on the disk; throws when there is no room for one. */
  #fitting(inode: Inode, length: number, position: number): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY || length === 0) return length;
    let others = 0;
    for (const { id, image } of this.#names.values()) if (id !== inode.id) others += image.size;
    const room = Math.max(this.capacityBytes - others, inode.image.size) - position;
    if (room <= 0) throw systemError('ENOSPC', 'write');
    return Math.min(length, room);
  }

  #later<T>(action: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#schedule(() => {
        try {
          resolve(action());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #lookUp(file: FileDesc): { readonly name: string; readonly inode: Inode } | undefined {
    for (const name of [fileName(file), legacyName(file)]) {
      const inode = name === undefined ? undefined : this.#names.get(name);
      if (name !== undefined && inode !== undefined) return { name, inode };
    }
    return undefined;
  }

  #find(action: string, file: FileDesc): { readonly name: string; readonly inode: Inode } {
    const found = this.#lookUp(file);
    if (found === undefined) throw missing(action, fileName(file));
    return found;
  }
}

function redo(entry: TraceEntry, names: Map<string, Inode>, inodes: Map<number, Inode>): void {
  switch (entry.operation) {
    case 'create': {
      const inode: Inode = { id: entry.inode, image: new ByteImage() };
      inodes.set(entry.inode, inode);
      names.set(entry.file, inode);
      break;
    }
    case 'write':
      inodes.get(entry.inode)!.image.write(entry.bytes, 0, entry.length, entry.position);
      break;
    case 'truncate':
      inodes.get(entry.inode)!.image.resize(entry.size);
      break;
    case 'damage':
      inodes.get(entry.inode)!.image.replace(entry.bytes);
      break;
    case 'rename':
    case 'quarantine':
      names.delete(entry.file);
      names.set(entry.to, inodes.get(entry.inode)!);
      break;
    case 'remove':
      names.delete(entry.file);
      break;
  }
}

function missing(action: string, name: string): Error {
  return ioError(action, name, systemError('ENOENT', `no such file, ${name}`));
}
