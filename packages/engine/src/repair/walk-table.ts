/**
 * Reads what can be read of a table, in order, one data block at a time: the one reader behind scanning a table and
 * writing it anew, so that both see the same entries.
 *
 * Blocks come from the index; where footer or index are damaged, from the data itself (`carve-blocks.ts`). A block
 * that cannot be read is skipped, and an entry that does not sort after the one before.
 */
import { corruption } from '@arena-level/common/base/errors';
import { runLater } from '@arena-level/common/base/steps';
import type { Block } from '@arena-level/common/block/block';
import { BlockIterator } from '@arena-level/common/block/block-iterator';
import { copyRange, withCapacity } from '@arena-level/common/block/copy-range';
import { compareRanges } from '@arena-level/common/bytes/compare';
import { fileName, tableFile } from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage } from '@arena-level/common/storage/storage';
import { openTableIndex, type TableReader } from '@arena-level/common/table/table-reader';
import type { FileProblem } from '../public/public-types.ts';
import { carveBlocks } from './carve-blocks.ts';
import { isLoss, problemOf } from './problem.ts';

export interface TableVisitor {
  /** One entry; good during the call. They ascend. */
  entry(entry: BlockIterator): void;
  damage(problem: FileProblem): void;
}

/** `size`: bytes of the table by the manifest; undefined: those of the file. */
export async function walkTable(
  storage: Storage,
  number: number,
  size: number | undefined,
  visitor: TableVisitor,
): Promise<void> {
  const file = await storage.openRead(tableFile(number));
  try {
    const walk = new TableWalk(fileName(tableFile(number)), visitor);
    const reader = await openIndex(file, size ?? file.size, walk);
    if (reader === undefined) await carveBlocks(file, (block) => walk.takeData(block));
    else await walk.takeAll(reader);
  } finally {
    file.closeNow();
  }
}

async function openIndex(
  file: ReadableFile,
  size: number,
  walk: TableWalk,
): Promise<TableReader | undefined> {
  const name = fileName(file.file);
  if (file.size !== size) {
    walk.note(corruption(`the file has ${file.size} bytes, the manifest states ${size}`, name));
  }
  try {
    return await runLater(openTableIndex(file, size));
  } catch (error) {
    walk.note(error);
    return undefined;
  }
}

class TableWalk {
  readonly #name: string;
  readonly #visitor: TableVisitor;
  readonly #entry: BlockIterator = new BlockIterator();
  /** User key and sequence number of the entry before: lastKey[0, lastEnd). */
  #lastKey: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  #lastEnd = 0;
  #lastSequence = Number.POSITIVE_INFINITY;
  #isFirst = true;

  constructor(name: string, visitor: TableVisitor) {
    this.#name = name;
    this.#visitor = visitor;
  }

  /** Notes a loss; other errors are thrown. */
  note(error: unknown): void {
    if (!isLoss(error)) throw error;
    this.#visitor.damage(problemOf(this.#name, error));
  }

  async takeAll(reader: TableReader): Promise<void> {
    for (let i = 0; i < reader.blocks; i++) {
      try {
        this.#take(await runLater(reader.readBlock(i)));
      } catch (error) {
        this.note(error);
      }
    }
  }

  /** Takes a block that may be one of data. False when it is not. */
  takeData(block: Block): boolean {
    if (block.restartsOffset === 0) return false;
    try {
      this.#take(block);
      return true;
    } catch (error) {
      if (!isLoss(error)) throw error;
      return false;
    }
  }

  #take(block: Block): void {
    const entry = this.#entry;
    entry.attach(block);
    try {
      for (entry.first(); entry.valid; entry.next()) {
        if (!this.#ascends(entry)) throw block.damage('an entry does not sort after the one before');
        this.#visitor.entry(entry);
        this.#keep(entry);
      }
    } finally {
      entry.detach();
    }
  }

  #ascends({ keyBytes, keyEnd, sequence }: BlockIterator): boolean {
    if (this.#isFirst) return true;
    const order = compareRanges(this.#lastKey, 0, this.#lastEnd, keyBytes, 0, keyEnd);
    return order < 0 || (order === 0 && sequence < this.#lastSequence);
  }

  #keep({ keyBytes, keyEnd, sequence }: BlockIterator): void {
    this.#lastKey = withCapacity(this.#lastKey, keyEnd);
    this.#lastEnd = copyRange(this.#lastKey, 0, keyBytes, 0, keyEnd);
    this.#lastSequence = sequence;
    this.#isFirst = false;
  }
}
