/**
 * Which directories a crash may leave behind, given what was written and synced before it.
 *
 * The rules are POSIX's, at their least friendly: what a completed sync covered is there; of everything else any
 * part may be. The data of a file and its name are durable apart from each other; an fsync of a file says nothing
 * about names. Two points where we are kinder: a rename within the store happens whole or not at all, and a write of
 * 512 bytes at a multiple of 512 is not torn except by `torn`, which cuts the last write anywhere.
 */
import type { Prng } from '../base/prng.ts';
import { ByteImage } from './byte-image.ts';
import type { StorageTrace, TraceEntry, TruncateEntry, WriteEntry } from './storage-trace.ts';

export interface LossModel {
  /**
   * Unsynced bytes and sizes: all kept | none | of each file its first few writes, the last of them cut anywhere |
   * of each file any pages, each at any age, and any size it had.
   */
  readonly data: 'keep' | 'drop' | 'torn' | 'holes';
  /** Unsynced creations, renames and removals: all kept | none | the first few | any of them. */
  readonly names: 'keep' | 'drop' | 'ordered' | 'any';
}

export type LossName = 'process' | 'dropped' | 'namesOnly' | 'dataOnly' | 'ordered' | 'linux' | 'posix';

export const LOSS_MODELS: Readonly<Record<LossName, LossModel>> = {
  /** Only the process died. */
  process: { data: 'keep', names: 'keep' },
  /** Nothing but what was synced. */
  dropped: { data: 'drop', names: 'drop' },
  namesOnly: { data: 'drop', names: 'keep' },
  dataOnly: { data: 'keep', names: 'drop' },
  /** A file system that writes everything in order, but each file at its own pace. */
  ordered: { data: 'torn', names: 'ordered' },
  /** Names journaled in order, pages written in any. */
  linux: { data: 'holes', names: 'ordered' },
  /** Whatever is allowed. */
  posix: { data: 'holes', names: 'any' },
};

interface Pending<T> {
  readonly index: number;
  readonly change: T;
}

interface ReplayedFile {
  /** What reads see. */
  readonly volatile: ByteImage;
  readonly durable: ByteImage;
  /** Changes of `volatile` that `durable` lacks, oldest first. */
  pending: Pending<WriteEntry | TruncateEntry>[];
}

type Names = Map<string, number>;
/** Names that come, with their inode, or go. */
type NameChange = readonly { readonly name: string; readonly inode: number | undefined }[];

/** Walks over a trace, and gives the states a crash may leave at the place it has reached. */
export class CrashReplay {
  readonly #trace: StorageTrace;
  readonly #files = new Map<number, ReplayedFile>();
  readonly #volatileNames: Names = new Map();
  readonly #durableNames: Names = new Map();
  #pendingNames: Pending<NameChange>[] = [];
  #length = 0;

  constructor(trace: StorageTrace) {
    this.#trace = trace;
    let inode = 0;
    for (const [name, bytes] of trace.initial) {
      inode++;
      this.#files.set(inode, { volatile: new ByteImage(bytes), durable: new ByteImage(bytes), pending: [] });
      this.#volatileNames.set(name, inode);
      this.#durableNames.set(name, inode);
    }
  }

  /** Goes on until `length` entries have happened. REQUIRES: not fewer than so far. */
  advanceTo(length: number): this {
    if (length < this.#length || length > this.#trace.entries.length) {
      throw new RangeError(
        `a trace of ${this.#trace.entries.length} entries, replayed to ${this.#length}, has no way to ${length}`,
      );
    }
    while (this.#length < length) {
      this.#apply(this.#trace.entries[this.#length]!, this.#length);
      this.#length++;
    }
    return this;
  }

  /** The files after a crash here, by name. Equal models and equal random numbers give equal states. */
  crash(loss: LossModel, prng: Prng): Map<string, Uint8Array<ArrayBuffer>> {
    const names = this.#namesAfter(loss, prng);
    const files = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const [name, inode] of names)
      files.set(name, imageAfter(this.#files.get(inode)!, loss, prng).contents());
    return files;
  }

  #apply(entry: TraceEntry, index: number): void {
    if (entry.operation === 'sync-directory') {
      this.#syncNames(entry.covers);
      return;
    }
    const change = nameChangeOf(entry);
    if (change !== undefined) {
      applyNames(this.#volatileNames, change);
      this.#pendingNames.push({ index, change });
    }
    if (entry.operation === 'create') {
      this.#files.set(entry.inode, { volatile: new ByteImage(), durable: new ByteImage(), pending: [] });
    } else if (entry.operation === 'quarantine') {
      this.#volatileNames.set(entry.to, entry.inode);
      this.#durableNames.set(entry.to, entry.inode);
    } else if (isDataEntry(entry)) {
      // A file that no name can lead to any more may still be open, but nobody will see it again.
      const file = this.#files.get(entry.inode);
      if (file !== undefined) changeFile(file, entry, index);
    }
  }

  #syncNames(covers: number): void {
    for (const { index, change } of this.#pendingNames)
      if (index < covers) applyNames(this.#durableNames, change);
    this.#pendingNames = this.#pendingNames.filter(({ index }) => index >= covers);
    if (this.#pendingNames.length > 0) return;
    const named = new Set(this.#volatileNames.values());
    for (const inode of this.#files.keys()) if (!named.has(inode)) this.#files.delete(inode);
  }

  #namesAfter(loss: LossModel, prng: Prng): Names {
    if (loss.names === 'keep') return this.#volatileNames;
    const names: Names = new Map(this.#durableNames);
    if (loss.names === 'drop') return names;
    const kept = loss.names === 'ordered' ? prng.below(this.#pendingNames.length + 1) : -1;
    for (const [i, { change }] of this.#pendingNames.entries()) {
      if (kept === -1 ? prng.oneIn(2) : i < kept) applyNames(names, change);
    }
    return names;
  }
}

/** What an entry does to the names of the store itself; those in `lost/` are durable at once. */
function nameChangeOf(entry: TraceEntry): NameChange | undefined {
  switch (entry.operation) {
    case 'create':
      return [{ name: entry.file, inode: entry.inode }];
    case 'rename':
      return [
        { name: entry.file, inode: undefined },
        { name: entry.to, inode: entry.inode },
      ];
    case 'quarantine':
    case 'remove':
      return [{ name: entry.file, inode: undefined }];
    default:
      return undefined;
  }
}

type DataEntry = Extract<TraceEntry, { operation: 'write' | 'truncate' | 'sync' | 'lost-sync' | 'damage' }>;

function isDataEntry(entry: TraceEntry): entry is DataEntry {
  return ['write', 'truncate', 'sync', 'lost-sync', 'damage'].includes(entry.operation);
}

function applyNames(names: Names, change: NameChange): void {
  for (const { name, inode } of change) {
    if (inode === undefined) names.delete(name);
    else names.set(name, inode);
  }
}

function changeFile(file: ReplayedFile, entry: DataEntry, index: number): void {
  switch (entry.operation) {
    case 'write':
    case 'truncate':
      applyChange(file.volatile, entry);
      file.pending.push({ index, change: entry });
      break;
    case 'sync':
      for (const change of file.pending)
        if (change.index < entry.covers) applyChange(file.durable, change.change);
      file.pending = file.pending.filter((change) => change.index >= entry.covers);
      break;
    case 'lost-sync':
      file.pending = file.pending.filter((change) => change.index >= entry.covers);
      break;
    case 'damage':
      file.volatile.replace(entry.bytes);
      file.durable.replace(entry.bytes);
      file.pending = [];
      break;
  }
}

function applyChange(image: ByteImage, change: WriteEntry | TruncateEntry): void {
  if (change.operation === 'write') image.write(change.bytes, 0, change.length, change.position);
  else image.resize(change.size);
}

function imageAfter(file: ReplayedFile, loss: LossModel, prng: Prng): ByteImage {
  if (loss.data === 'keep') return file.volatile;
  if (loss.data === 'drop' || file.pending.length === 0) return file.durable;
  const image = new ByteImage(file.durable.contents());
  if (loss.data === 'torn') tear(image, file.pending, prng);
  else punchHoles(image, file.pending, prng);
  return image;
}

function tear(image: ByteImage, pending: ReplayedFile['pending'], prng: Prng): void {
  const whole = prng.below(pending.length + 1);
  for (let i = 0; i < whole; i++) applyChange(image, pending[i]!.change);
  const last = pending[whole]?.change;
  if (last?.operation === 'write') image.write(last.bytes, 0, prng.below(last.length + 1), last.position);
}

/** Gives each page the age it had after some number of the pending changes, and the file the size after some number. */
function punchHoles(image: ByteImage, pending: ReplayedFile['pending'], prng: Prng): void {
  const pageBytes = prng.oneIn(2) ? 512 : 4096;
  const ages = new Map<number, number>();
  const reachesPage = (page: number, i: number): boolean => {
    let age = ages.get(page);
    if (age === undefined) {
      age = drawAge(pending.length, prng);
      ages.set(page, age);
    }
    return i < age;
  };
  const sizeAge = drawAge(pending.length, prng);
  let size = image.size;
  for (const [i, { change }] of pending.entries()) {
    const start = change.operation === 'write' ? change.position : change.size;
    const end = change.operation === 'write' ? start + change.length : image.size;
    if (i < sizeAge) size = change.operation === 'write' ? Math.max(size, end) : change.size;
    for (let at = start; at < end; ) {
      const pageEnd = Math.min(end, (Math.floor(at / pageBytes) + 1) * pageBytes);
      if (reachesPage(Math.floor(at / pageBytes), i)) {
        if (change.operation === 'write') image.write(change.bytes, at - start, pageEnd - start, at);
        else image.zero(at, pageEnd);
      }
      at = pageEnd;
    }
  }
  image.resize(size);
}

/** Extremes are as likely as everything between. */
function drawAge(newest: number, prng: Prng): number {
  const third = prng.below(3);
  if (third === 0) return 0;
  return third === 1 ? newest : prng.below(newest + 1);
}
