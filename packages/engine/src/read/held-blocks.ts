import { type Steps, wait } from '@arena-level/common/base/steps';
import type { Block } from '@arena-level/common/block/block';
import type { LookupSource, UnheldAnswer } from '@arena-level/common/table/block-source';
import type { TableReader } from '@arena-level/common/table/table-reader';
import type { TableCache } from '../cache/table-cache.ts';
import type { TableMetadata } from '../manifest/table-metadata.ts';

interface BlockPlace {
  readonly reader: TableReader;
  readonly index: number;
}

/**
 * The blocks of one lookup that has to wait. It is tried again from the start each time what it lacked has come, so
 * the tables and blocks it waited for are held until it is done, whether or not the caches keep them.
 */
export class HeldBlocks implements LookupSource {
  readonly #tables: TableCache;
  readonly #source: LookupSource;
  readonly #pinned = new Set<TableReader>();
  readonly #held: (BlockPlace & { readonly block: Block })[] = [];
  /** The block that the last try lacked. */
  #missing: BlockPlace | undefined;

  constructor(tables: TableCache, source: LookupSource) {
    this.#tables = tables;
    this.#source = source;
  }

  cached(reader: TableReader, index: number): Block | undefined {
    return this.#heldBlock(reader, index) ?? this.#source.cached(reader, index);
  }

  searchShared(
    reader: TableReader,
    index: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
  ): UnheldAnswer {
    return this.#source.searchShared(reader, index, key, keyStart, keyEnd, sequence);
  }

  /** Asked for a block that is not held. */
  searchInPlace(
    reader: TableReader,
    index: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
  ): UnheldAnswer {
    return this.#source.searchInPlace(reader, index, key, keyStart, keyEnd, sequence);
  }

  peek(reader: TableReader, index: number): Block | undefined {
    const block = this.#heldBlock(reader, index) ?? this.#source.peek(reader, index);
    if (block === undefined) this.#missing = { reader, index };
    return block;
  }

  loadNow(reader: TableReader, index: number): Block {
    return this.#source.loadNow(reader, index);
  }

  load(reader: TableReader, index: number): Promise<Block> {
    return this.#source.load(reader, index);
  }

  /** Opens the table that a try lacked, or else loads the block. */
  *fetch(table: TableMetadata | undefined): Steps<void> {
    if (table !== undefined) {
      this.#pin(yield* this.#tables.acquire(table));
      return;
    }
    const { reader, index } = this.#missing!;
    this.#pin(this.#tables.tryAcquire(reader.number)!);
    const block = yield* wait(
      () => this.loadNow(reader, index),
      () => this.load(reader, index),
    );
    this.#held.push({ reader, index, block });
  }

  release(): void {
    for (const reader of this.#pinned) this.#tables.release(reader);
    this.#pinned.clear();
    this.#held.length = 0;
  }

  #heldBlock(reader: TableReader, index: number): Block | undefined {
    for (const held of this.#held) if (held.reader === reader && held.index === index) return held.block;
    return undefined;
  }

  /** Takes over a pin; one is enough. */
  #pin(reader: TableReader): void {
    if (this.#pinned.has(reader)) this.#tables.release(reader);
    else this.#pinned.add(reader);
  }
}
