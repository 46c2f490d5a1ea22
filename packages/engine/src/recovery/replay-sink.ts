import type { Arena } from '@arena-level/common/arena/arena';
import { ArenaState } from '@arena-level/common/arena/arena-state';
import { MAX_SEQUENCE_DELTA } from '@arena-level/common/arena/layout';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import { runLater, runNow, type Steps, wait } from '@arena-level/common/base/steps';
import type { MemDb } from '@arena-level/common/memdb/memdb';
import type { FlushJob } from '@arena-level/common/protocol/flush-protocol';
import { fromWireError } from '@arena-level/common/protocol/wire-error';
import { tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { TableOptions } from '@arena-level/common/table/table-options';
import { checkBuiltTable } from '../flush/check-built-table.ts';
import type { FlushExecutor, FlushOutcome } from '../flush/flush-executor.ts';
import type { NewTable } from '../manifest/version-edit.ts';
import type { ArenaPool } from '../memtable/arena-pool.ts';
import { activateMemDb, giveBackUnused, takeMemDb } from '../memtable/take-memdb.ts';
import type { ReplayTarget } from './journal-replay.ts';

/** A MemDB with less than this is built into a table here: starting a worker would take longer. */
const INLINE_BYTES = 1 * MIB;

export interface ReplaySinkModules {
  readonly storage: Storage;
  readonly pool: ArenaPool;
  readonly executor: FlushExecutor;
  readonly newFileNumber: () => number;
}

/** MemDBs that may wait to be built inside one read of a journal; then the oldest is built at once. */
const MAX_FULL = 2;

/**
 * Where replayed journals go: MemDBs, and from them level-0 tables, which the opener commits together. Tables are
 * numbered in the order of the journals.
 *
 * A MemDB takes ascending sequence numbers only; a record that does not follow begins another. Memory: the MemDB that
 * is being filled, MAX_FULL before it, and one arena to go on with, whatever the journals hold.
 */
export class ReplaySink implements ReplayTarget {
  /** Tables written, oldest first, and their roots by file number. */
  readonly tables: NewTable[] = [];
  readonly roots: Map<number, Uint8Array<ArrayBuffer>> = new Map();
  /** The greatest sequence number seen, the manifest's included. */
  lastSequence: number;
  readonly #modules: ReplaySinkModules;
  readonly #options: TableOptions;
  #filling: MemDb | undefined;
  #fillingLast = 0;
  /** MemDBs that are full, oldest first, and the one that is being filled comes after them. */
  readonly #full: MemDb[] = [];
  /** The arena of a table that was built: the next MemDB's, so that many small ones need no more memory than one. */
  #spare: Arena | undefined;

  constructor(modules: ReplaySinkModules, options: TableOptions, lastSequence: number) {
    this.#modules = modules;
    this.#options = options;
    this.lastSequence = lastSequence;
  }

  /** Takes the records of one checked batch. */
  insert(records: Uint8Array, start: number, end: number, entries: number, firstSequence: number): void {
    const lastSequence = firstSequence + entries - 1;
    const memdb = this.#memdbFor(end - start, entries, firstSequence, lastSequence);
    memdb.insert(records, start, end, entries, firstSequence);
    this.#fillingLast = lastSequence;
    this.lastSequence = Math.max(this.lastSequence, lastSequence);
  }

  /** Between two reads of a journal, and behind it: what is full becomes tables. */
  *buildFull(): Steps<void> {
    for (let memdb = this.#full.shift(); memdb !== undefined; memdb = this.#full.shift())
      yield* this.#build(memdb);
  }

  /** Everything becomes tables, and the directory is synced. */
  async finish(): Promise<void> {
    this.#seal();
    await runLater(this.buildFull());
    this.#dropSpare();
    if (this.tables.length > 0) await this.#modules.storage.syncDirectory();
  }

  /** After a failure: the arenas go back. */
  abandon(): void {
    this.#seal();
    for (const memdb of this.#full.splice(0)) giveBackUnused(this.#modules.pool, memdb.arena);
    this.#dropSpare();
  }

  #memdbFor(recordBytes: number, entries: number, firstSequence: number, lastSequence: number): MemDb {
    const filling = this.#filling;
    if (filling !== undefined) {
      const ascends = firstSequence > this.#fillingLast;
      const isNear = lastSequence - filling.arena.baseSequence <= MAX_SEQUENCE_DELTA;
      if (ascends && isNear && filling.fits(recordBytes, entries)) return filling;
      this.#seal();
      while (this.#full.length > MAX_FULL) runNow(this.#build(this.#full.shift()!));
    }
    this.#filling = this.#takeMemDb(recordBytes, entries, firstSequence - 1);
    return this.#filling;
  }

  #takeMemDb(recordBytes: number, entries: number, baseSequence: number): MemDb {
    const { pool } = this.#modules;
    // An arena from the pool may be no larger than the spare one: it has room for all but a large batch.
    if (!pool.exceedsStandard(recordBytes, entries)) {
      const spare = this.#spare;
      this.#spare = undefined;
      if (spare !== undefined) return activateMemDb(pool, spare, baseSequence);
    }
    return takeMemDb(pool, recordBytes, entries, baseSequence);
  }

  #seal(): void {
    if (this.#filling === undefined) return;
    this.#filling.arena.freeze();
    this.#full.push(this.#filling);
    this.#filling = undefined;
  }

  *#build(memdb: MemDb): Steps<void> {
    const { storage, newFileNumber } = this.#modules;
    const { arena, count: entries } = memdb;
    arena.transition(ArenaState.Flushing);
    const { outcome, tempNumber, reusable } = yield* this.#buildTable(memdb);
    this.#giveBack(arena, reusable);
    if (outcome.kind === 'failed') throw fromWireError(outcome.error);
    if (outcome.kind !== 'built') {
      throw new EngineError(
        ErrorCode.WorkerFailed,
        `a replayed journal could not be flushed: the build was ${outcome.kind}`,
      );
    }
    const { table, dropped } = outcome;
    yield* checkBuiltTable(storage, tempFile(tempNumber), entries, table, dropped);
    const number = newFileNumber();
    storage.renameNow(tempFile(tempNumber), tableFile(number));
    const { size, smallest, largest } = table;
    this.tables.push({ level: 0, table: { number, size, smallest, largest } });
    this.roots.set(number, table.root);
  }

  /** In a worker, unless that is not worth it; a thread that fails does not fail the open: then here. */
  *#buildTable(
    memdb: MemDb,
  ): Steps<{ readonly outcome: FlushOutcome; readonly tempNumber: number; readonly reusable: boolean }> {
    const { executor } = this.#modules;
    const inWorker = memdb.arena.kvBytesUsed >= INLINE_BYTES;
    const first = this.#job(memdb);
    const outcome = yield* wait(
      () => executor.flushNow(first),
      async () => (inWorker ? executor.flush(first) : executor.flushNow(first)),
    );
    const { tempNumber } = first;
    if (outcome.kind !== 'failed' || !outcome.crashed) return { outcome, tempNumber, reusable: true };
    const second = this.#job(memdb);
    return { outcome: executor.flushNow(second), tempNumber: second.tempNumber, reusable: false };
  }

  #job(memdb: MemDb): FlushJob {
    return {
      arena: memdb.arena.shared,
      generation: memdb.arena.generation,
      entries: memdb.count,
      tempNumber: this.#modules.newFileNumber(),
      // No snapshot outlives its process.
      dropHorizon: this.lastSequence,
      options: this.#options,
    };
  }

  #giveBack(arena: Arena, reusable: boolean): void {
    const { pool } = this.#modules;
    if (!reusable) {
      pool.discard(arena);
      return;
    }
    arena.transition(ArenaState.Frozen);
    arena.abandon();
    if (this.#spare === undefined && pool.isStandard(arena)) this.#spare = arena;
    else pool.give(arena);
  }

  #dropSpare(): void {
    if (this.#spare !== undefined) this.#modules.pool.give(this.#spare);
    this.#spare = undefined;
  }
}
