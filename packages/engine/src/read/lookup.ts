/**
 * Point reads at a sequence number.
 *
 * The newest version of a key that the reader may see stands in the first place that has one: the active memtable,
 * the frozen ones from newest to oldest, the tables of level 0, then one table per deeper level. Every table is asked
 * its bloom filter, with one hash per lookup, before a block is touched.
 *
 * Level 0 needs care. LevelDB asks its tables from the highest file number down and takes the first version it
 * finds, which is right only where numbers ascend with age; a repaired store, or one that another implementation
 * wrote, need not be like that. So all its tables that may hold the key are asked and the highest sequence number wins,
 * as in goleveldb. Tables that this opener flushed do ascend with age and are newer than what it found: a version
 * found in one of them ends the search.
 *
 * A read whose blocks are all in memory, or expected in the page cache, is answered at once; only one that has to
 * wait for a block becomes a promise, and holds its view meanwhile. Main thread only.
 */
import { runLater, runNow, type Steps } from '@arena-level/common/base/steps';
import type { BlockHit } from '@arena-level/common/block/block-lookup';
import { copyOwned } from '@arena-level/common/bytes/owned-bytes';
import { bloomHash } from '@arena-level/common/filter/bloom';
import { ValueKind } from '@arena-level/common/key/value-kind';
import type { MemDbReader, NodeRef } from '@arena-level/common/memdb/memdb';
import type { LookupSource } from '@arena-level/common/table/block-source';
import { BLOCKED, peekFromTable } from '@arena-level/common/table/table-lookup';
import type { BlockLoader } from '../cache/block-loader.ts';
import type { TableCache } from '../cache/table-cache.ts';
import type { Turns } from '../iterator/turns.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import type { ReadView } from '../memtable/read-view.ts';
import { coversUserKey, findTable } from '../version/version.ts';
import { HeldBlocks } from './held-blocks.ts';
import type { SeekWatch } from './seek-watch.ts';

/** An answer that may have to be waited for. */
export type Answer<T> = T | Promise<T>;

/** A copy of the caller's own, in a Buffer; undefined: no such key. */
export type Value = Uint8Array<ArrayBuffer> | undefined;

/** Keys between two looks at the clock. */
const KEYS_PER_LOOK = 32;
/** Keys of one call that wait for blocks at the same time. */
const MAX_WAITING_KEYS = 64;

export interface LookupParts {
  readonly tables: TableCache;
  readonly blocks: BlockLoader;
  readonly turns: Turns;
  /**
   * Number from which on tables of level 0 were flushed by this opener, in order of age: the next file number at the
   * time the store was opened.
   */
  readonly flushedFrom: number;
  /** Undefined: nobody wants to know of seeks in vain. */
  readonly seeks: SeekWatch | undefined;
}

/** What becomes of what is found. */
interface Outcome<T> {
  fromMemtable(memdb: MemDbReader, node: NodeRef): T;
  fromTable(hit: BlockHit | undefined): T;
}

const valueOutcome: Outcome<Value> = {
  fromMemtable(memdb, node) {
    if (memdb.valueKind(node) !== ValueKind.Put) return undefined;
    const start = memdb.valueOffset(node);
    return copyOwned(memdb.arena.kvData, start, start + memdb.valueLength(node));
  },
  fromTable(hit) {
    if (hit === undefined || hit.kind !== ValueKind.Put) return undefined;
    if (hit.isOwn) return hit.valueBytes;
    return copyOwned(hit.valueBytes, hit.valueStart, hit.valueEnd);
  },
};

const presenceOutcome: Outcome<boolean> = {
  fromMemtable: (memdb, node) => memdb.valueKind(node) === ValueKind.Put,
  fromTable: (hit) => hit !== undefined && hit.kind === ValueKind.Put,
};

export class Lookup {
  readonly #tables: TableCache;
  readonly #blocks: BlockLoader;
  readonly #turns: Turns;
  readonly #flushedFrom: number;
  readonly #seeks: SeekWatch | undefined;
  /** Entry that the last search of the memtables found. */
  #node: NodeRef = 0;
  /** Table that the last search of the tables found not open. */
  #closedTable: TableMetadata | undefined;

  constructor({ tables, blocks, turns, flushedFrom, seeks }: LookupParts) {
    this.#tables = tables;
    this.#blocks = blocks;
    this.#turns = turns;
    this.#flushedFrom = flushedFrom;
    this.#seeks = seeks;
  }

  /** The value of a key as of `sequence`. Throws or rejects when a table is damaged. `key` is copied if it waits. */
  get(view: ReadView, key: Uint8Array, sequence: number, fillCache = true): Answer<Value> {
    return this.#read(view, key, sequence, fillCache, valueOutcome);
  }

  getNow(view: ReadView, key: Uint8Array, sequence: number, fillCache = true): Value {
    return this.#readNow(view, key, sequence, fillCache, valueOutcome);
  }

  has(view: ReadView, key: Uint8Array, sequence: number, fillCache = true): Answer<boolean> {
    return this.#read(view, key, sequence, fillCache, presenceOutcome);
  }

  hasNow(view: ReadView, key: Uint8Array, sequence: number, fillCache = true): boolean {
    return this.#readNow(view, key, sequence, fillCache, presenceOutcome);
  }

  /** Several keys as of one moment, with turns of the event loop between when there are many. */
  getMany(view: ReadView, keys: readonly Uint8Array[], sequence: number, fillCache = true): Promise<Value[]> {
    return this.#readMany(view, keys, sequence, fillCache, valueOutcome);
  }

  hasMany(
    view: ReadView,
    keys: readonly Uint8Array[],
    sequence: number,
    fillCache = true,
  ): Promise<boolean[]> {
    return this.#readMany(view, keys, sequence, fillCache, presenceOutcome);
  }

  #read<T>(
    view: ReadView,
    key: Uint8Array,
    sequence: number,
    fillCache: boolean,
    outcome: Outcome<T>,
  ): Answer<T> {
    const memdb = this.#findMemdb(view, key, sequence);
    if (memdb !== undefined) return outcome.fromMemtable(memdb, this.#node);
    const blocks = this.#blocks.lookupSource(fillCache, false);
    const hit = this.#peekTables(view, key, sequence, blocks);
    if (hit !== BLOCKED) return outcome.fromTable(hit);
    view.retain();
    return runLater(this.#waitForTables(view, new Uint8Array(key), sequence, blocks))
      .then(outcome.fromTable)
      .finally(() => view.release());
  }

  #readNow<T>(view: ReadView, key: Uint8Array, sequence: number, fillCache: boolean, outcome: Outcome<T>): T {
    const memdb = this.#findMemdb(view, key, sequence);
    if (memdb !== undefined) return outcome.fromMemtable(memdb, this.#node);
    const blocks = this.#blocks.lookupSource(fillCache, true);
    const hit = this.#peekTables(view, key, sequence, blocks);
    if (hit !== BLOCKED) return outcome.fromTable(hit);
    return outcome.fromTable(runNow(this.#waitForTables(view, key, sequence, blocks)));
  }

  async #readMany<T>(
    view: ReadView,
    keys: readonly Uint8Array[],
    sequence: number,
    fillCache: boolean,
    outcome: Outcome<T>,
  ): Promise<T[]> {
    const answers = new Array<T>(keys.length);
    const waiting: Promise<void>[] = [];
    let own: readonly Uint8Array[] | undefined;
    view.retain();
    try {
      for (let i = 0; i < keys.length; i++) {
        const answer = this.#read(view, (own ?? keys)[i]!, sequence, fillCache, outcome);
        if (answer instanceof Promise) waiting.push(collect(answer, answers, i));
        else answers[i] = answer;
        const isCrowded = waiting.length >= MAX_WAITING_KEYS;
        const isLate = i % KEYS_PER_LOOK === 0 && this.#turns.isDue();
        // The caller may reuse its keys once the call has returned.
        if (isCrowded || isLate) own ??= keys.map((key) => new Uint8Array(key));
        if (isCrowded) {
          await Promise.all(waiting);
          waiting.length = 0;
        }
        if (isLate) await this.#turns.next();
      }
      await Promise.all(waiting);
      return answers;
    } finally {
      // Each of them holds the view, too: whoever waits for this call waits for all of that.
      if (waiting.length > 0) await Promise.allSettled(waiting);
      view.release();
    }
  }

  /** The newest memtable that has a version of the key, which `#node` then is. */
  #findMemdb(view: ReadView, key: Uint8Array, sequence: number): MemDbReader | undefined {
    const { memdb } = view.active;
    this.#node = memdb.find(key, 0, key.length, sequence);
    if (this.#node !== 0) return memdb;
    for (let i = 0; i < view.frozen.length; i++) {
      const { memdb: frozen } = view.frozen[i]!;
      this.#node = frozen.find(key, 0, key.length, sequence);
      if (this.#node !== 0) return frozen;
    }
    return undefined;
  }

  #peekTables(
    view: ReadView,
    key: Uint8Array,
    sequence: number,
    blocks: LookupSource,
  ): BlockHit | undefined | typeof BLOCKED {
    const { deepest, levels } = view.version;
    const keyHash = bloomHash(key, 0, key.length);
    let newest: BlockHit | undefined;
    this.#seeks?.begin();
    const newer = levels[0]!;
    for (let at = 0; at < newer.length; at++) {
      const table = newer[at]!;
      if (!coversUserKey(table, key, 0, key.length)) continue;
      const isLast = deepest === 0 && at === newer.length - 1;
      const hit = this.#peekTable(table, key, sequence, keyHash, blocks, isLast);
      if (hit === BLOCKED) return BLOCKED;
      if (hit !== undefined && (newest === undefined || hit.sequence > newest.sequence)) newest = hit;
      if (newest !== undefined && table.number >= this.#flushedFrom) break;
    }
    for (let level = 1; level <= deepest && newest === undefined; level++) {
      const tables = levels[level]!;
      const table = tables[findTable(tables, key, 0, key.length, sequence)];
      if (table === undefined || !coversUserKey(table, key, 0, key.length)) continue;
      const hit = this.#peekTable(table, key, sequence, keyHash, blocks, level === deepest);
      if (hit === BLOCKED) return BLOCKED;
      newest = hit;
    }
    this.#seeks?.end();
    return newest;
  }

  #peekTable(
    table: TableMetadata,
    key: Uint8Array,
    sequence: number,
    keyHash: number,
    blocks: LookupSource,
    isLast: boolean,
  ): BlockHit | undefined | typeof BLOCKED {
    const reader = this.#tables.peek(table.number);
    if (reader === undefined) {
      this.#closedTable = table;
      return BLOCKED;
    }
    const hit = peekFromTable(reader, blocks, key, 0, key.length, sequence, keyHash, isLast);
    this.#seeks?.searched(table, hit === undefined);
    return hit;
  }

  *#waitForTables(
    view: ReadView,
    key: Uint8Array,
    sequence: number,
    blocks: LookupSource,
  ): Steps<BlockHit | undefined> {
    const held = new HeldBlocks(this.#tables, blocks);
    try {
      for (;;) {
        this.#closedTable = undefined;
        const hit = this.#peekTables(view, key, sequence, held);
        if (hit !== BLOCKED) return hit;
        yield* held.fetch(this.#closedTable);
      }
    } finally {
      held.release();
    }
  }
}

/** Puts an answer in its place when it comes. The promise may be rejected before anyone waits for it. */
function collect<T>(answer: Promise<T>, answers: T[], index: number): Promise<void> {
  const collected = answer.then((value) => {
    answers[index] = value;
  });
  collected.catch(() => {});
  return collected;
}
