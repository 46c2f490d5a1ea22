/**
 * `arena.roots`, the side file of MasterRoots and table roots: a log (`journal/log-format.ts`) of roots records
 * (`roots-record.ts`), each appended and synced after the commit it belongs to.
 *
 * Nothing depends on it: what it does not say is computed. So a torn or damaged record ends what is read, is
 * reported, and does no harm; and a failed append or a file that has grown too large leads to a whole new file, put
 * in place by a rename.
 *
 * A record lists the tables that no record before it lists. A table's number is never used again, so what the file
 * says of tables that are gone does not matter.
 */
import { MIB } from '@arena-level/common/base/limits';
import { type Steps, wait } from '@arena-level/common/base/steps';
import { ROOTS_FILE, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { readLog } from '../journal/log-reader.ts';
import { LogWriter } from '../journal/log-writer.ts';
import { bestEffort } from '../manifest/best-effort.ts';
import {
  type CommittedRoot,
  decodeRootsRecord,
  encodeRootsRecord,
  type RootsRecord,
  type TableRoot,
} from './roots-record.ts';

export interface RootsReport {
  readonly kind: 'tear' | 'damage';
  readonly offset: number;
  readonly reason: string;
}

/** What a roots file says. */
export interface RootsContents {
  /** The last record's; undefined when there is none. */
  readonly last: CommittedRoot | undefined;
  /** Table roots by file number. */
  readonly tableRoots: Map<number, Uint8Array>;
  /** End of the last record that is used. */
  readonly goodEnd: number;
  /** What stands behind it, if anything does. */
  readonly report: RootsReport | undefined;
}

/** Reads the roots file; an absent one says nothing. */
export function* readRoots(storage: Storage): Steps<RootsContents> {
  const tableRoots = new Map<number, Uint8Array>();
  if (storage.sizeNow(ROOTS_FILE) === undefined) {
    return { last: undefined, tableRoots, goodEnd: 0, report: undefined };
  }
  let last: CommittedRoot | undefined;
  let goodEnd = 0;
  let malformed: RootsReport | undefined;
  const file = storage.openReadNow(ROOTS_FILE);
  try {
    const end = yield* readLog(file, (bytes, start, recordEnd, offset) => {
      if (malformed !== undefined) return;
      const record = decodeRootsRecord(bytes, start, recordEnd);
      if (typeof record === 'string') {
        malformed = { kind: 'damage', offset, reason: record };
        goodEnd = offset;
        return;
      }
      last = record;
      for (const { number, root } of record.tableRoots) tableRoots.set(number, root);
    });
    if (malformed !== undefined) return { last, tableRoots, goodEnd, report: malformed };
    const report =
      end.kind === 'end' ? undefined : { kind: end.kind, offset: end.offset, reason: end.reason };
    return { last, tableRoots, goodEnd: end.goodEnd, report };
  } finally {
    file.closeNow();
  }
}

export interface RootsFileOptions {
  /** For the temporary name of a new file. */
  readonly newFileNumber: () => number;
  /** Size at which the file is written anew, or four times its size after the last time if that is more. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** The writing side. One append at a time. */
export class RootsFile {
  readonly #storage: Storage;
  readonly #options: RootsFileOptions;
  /** Absent: the next append writes the file anew. */
  #writer: LogWriter | undefined;
  #rewriteAtBytes: number;
  /** Numbers of the tables that records of the file list. */
  #listed: Set<number>;

  /** Appends go behind what `contents` covers; a torn record there is cut off. */
  constructor(storage: Storage, contents: RootsContents, options: RootsFileOptions) {
    this.#storage = storage;
    this.#options = options;
    this.#listed = new Set(contents.tableRoots.keys());
    this.#rewriteAtBytes = options.maxBytes ?? MIB;
    if (contents.goodEnd === 0 || contents.report?.kind === 'damage') return;
    const file = storage.openWriteNow(ROOTS_FILE);
    if (contents.report !== undefined) file.truncateNow(contents.goodEnd);
    this.#writer = new LogWriter(file, contents.goodEnd);
  }

  /**
   * Adds the MasterRoot of a version, and of `tables`, all of that version whose roots are known, those not listed
   * yet. Durable when it ends. REQUIRES: the version's commit is durable.
   */
  *append(committed: CommittedRoot, tables: readonly TableRoot[]): Steps<void> {
    const writer = this.#writer;
    try {
      if (writer === undefined || writer.goodSize >= this.#rewriteAtBytes) {
        yield* this.#rewrite({ ...committed, tableRoots: tables });
      } else {
        const unlisted = tables.filter(({ number }) => !this.#listed.has(number));
        yield* appendRecord(writer, { ...committed, tableRoots: unlisted });
      }
    } catch (error) {
      this.closeNow();
      throw error;
    }
    for (const { number } of tables) this.#listed.add(number);
  }

  closeNow(): void {
    this.#writer?.file.closeNow();
    this.#writer = undefined;
  }

  *#rewrite(record: RootsRecord): Steps<void> {
    const storage = this.#storage;
    const temp = tempFile(this.#options.newFileNumber());
    const writer = new LogWriter(storage.createNow(temp));
    try {
      yield* appendRecord(writer, record);
      writer.file.closeNow();
      storage.renameNow(temp, ROOTS_FILE);
    } catch (error) {
      bestEffort(() => writer.file.closeNow());
      bestEffort(() => storage.removeNow(temp));
      throw error;
    }
    this.closeNow();
    yield* wait(
      () => storage.syncDirectoryNow(),
      () => storage.syncDirectory(),
    );
    this.#writer = new LogWriter(storage.openWriteNow(ROOTS_FILE), writer.goodSize);
    this.#rewriteAtBytes = Math.max(this.#options.maxBytes ?? MIB, 4 * writer.goodSize);
    this.#listed = new Set();
  }
}

function* appendRecord(writer: LogWriter, record: RootsRecord): Steps<void> {
  const encoded = encodeRootsRecord(record);
  writer.prepare(encoded, 0, encoded.length);
  yield* wait(
    () => writer.writeNow(),
    () => writer.write(),
  );
  yield* wait(
    () => writer.file.syncNow(),
    () => writer.file.sync(),
  );
  writer.commitPrepared();
}
