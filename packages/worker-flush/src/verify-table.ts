/**
 * Verifies a table against itself and the manifest: the Merkle root from the data blocks, every checksum, the index,
 * the filter, restart points, order, bounds, and that every byte belongs to some block.
 *
 * It goes on after a problem as far as the table can still be read. A data block that cannot be read counts as a
 * leaf of zeros, so that no root is ever right by leaving something out.
 */
import { corruption } from '@arena-level/common/base/errors';
import { Block } from '@arena-level/common/block/block';
import { BlockCursor } from '@arena-level/common/block/block-cursor';
import { type BlockHandle, decodeBlockHandle } from '@arena-level/common/block/block-handle';
import { BLOCK_TRAILER_BYTES, checkBlockTrailer } from '@arena-level/common/block/block-trailer';
import { decompressBlock } from '@arena-level/common/block/compression';
import { compareBytes, equalRanges } from '@arena-level/common/bytes/compare';
import {
  FILTER_KEY_PREFIX,
  FILTER_NAME,
  FilterBlockReader,
  LEGACY_FILTER_NAME,
} from '@arena-level/common/filter/filter-block';
import { TRAILER_BYTES } from '@arena-level/common/key/internal-key';
import { HASH_BYTES } from '@arena-level/common/merkle/hashing';
import {
  blockLeaf,
  decodeMerkleBlock,
  MERKLE_BLOCK_NAME,
  type MerkleBlock,
  TableRootBuilder,
} from '@arena-level/common/merkle/table-root';
import type { VerifyJob, VerifyResponse } from '@arena-level/common/protocol/flush-protocol';
import { toWireError } from '@arena-level/common/protocol/wire-error';
import { fileName, tableFile } from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage } from '@arena-level/common/storage/storage';
import {
  checkHandle,
  decodeFooter,
  encodeFooter,
  FOOTER_BYTES,
  type Footer,
} from '@arena-level/common/table/table-format';
import { maxIndexKeyBytes } from '@arena-level/common/table/table-index';
import { EntryChecker } from './entry-checker.ts';
import { ProblemList } from './problem-list.ts';
import { walkBlock } from './walk-block.ts';

/** Names that mean anything are shorter. */
const MAX_NAME_BYTES = 200;
const UNREADABLE_LEAF = new Uint8Array(HASH_BYTES);

/** Damage is an answer; `failed` is only for a file that cannot be read at all. */
export function verifyTable(job: VerifyJob, storage: Storage): VerifyResponse {
  try {
    const file = storage.openReadNow(tableFile(job.tableNumber));
    try {
      return new TableVerifier(file, job).run();
    } finally {
      file.closeNow();
    }
  } catch (error) {
    return { kind: 'failed', error: toWireError(error) };
  }
}

class TableVerifier {
  readonly #file: ReadableFile;
  readonly #name: string;
  readonly #job: VerifyJob;
  readonly #footerOffset: number;
  readonly #problems: ProblemList;
  readonly #root = new TableRootBuilder();
  readonly #entries: EntryChecker;
  /** In the metaindex, then in the index; data blocks are walked by the entry checker's own. */
  readonly #cursor = new BlockCursor();
  /** Handles of all blocks that are known. */
  readonly #handles: BlockHandle[] = [];
  #stored: MerkleBlock | undefined;

  constructor(file: ReadableFile, job: VerifyJob) {
    this.#file = file;
    this.#name = fileName(file.file);
    this.#job = job;
    this.#footerOffset = Math.min(file.size, job.size) - FOOTER_BYTES;
    this.#problems = new ProblemList(this.#name);
    this.#entries = new EntryChecker(this.#problems);
  }

  run(): VerifyResponse {
    const problems = this.#problems;
    const { size } = this.#job;
    if (this.#file.size !== size) {
      problems.add(`the file has ${this.#file.size} bytes, the manifest states ${size}`);
    }
    const footer = problems.attempt(() => this.#readFooter());
    if (footer !== undefined) {
      this.#handles.push(footer.metaindex, footer.index);
      const metaindex = problems.attempt(() => this.#readBlock(footer.metaindex));
      const metaIsWhole = metaindex !== undefined && this.#checkMetaindex(metaindex);
      const index = problems.attempt(() => this.#readBlock(footer.index));
      const indexIsWhole = index !== undefined && this.#checkIndex(index);
      if (metaIsWhole && indexIsWhole) this.#checkTiling();
    }
    this.#entries.checkBounds(this.#job.smallest, this.#job.largest);
    this.#checkStoredRoot();
    return {
      kind: 'verified',
      root: this.#root.root(),
      storedRoot: this.#stored?.root,
      entries: this.#entries.count,
      blocks: this.#root.blocks,
      problems: problems.messages(),
    };
  }

  #readFooter(): Footer {
    if (this.#footerOffset < 0) throw corruption('the file is shorter than a footer', this.#name);
    const bytes = this.#readBytes(this.#footerOffset, FOOTER_BYTES);
    const footer = decodeFooter(bytes, this.#name, this.#footerOffset + FOOTER_BYTES);
    const expected = new Uint8Array(FOOTER_BYTES);
    encodeFooter(expected, 0, footer);
    if (compareBytes(bytes, expected) !== 0) {
      this.#problems.add('the footer has bytes that mean nothing', this.#footerOffset);
    }
    return footer;
  }

  /** Finds the meta blocks. False when some of them may be unknown. */
  #checkMetaindex(block: Block): boolean {
    const cursor = this.#cursor;
    let known = true;
    let lastName: Uint8Array | undefined;
    const walked = walkBlock(block, cursor, this.#problems, () => {
      const key = cursor.keyBytes.slice(0, Math.min(cursor.keyEnd, MAX_NAME_BYTES));
      if (lastName !== undefined && compareBytes(lastName, key) >= 0)
        this.#problems.add('the names in the metaindex do not ascend', block.offset);
      lastName = key;
      const name = Buffer.from(key).toString('latin1');
      const handle = this.#problems.attempt(() => this.#handleAt(cursor, `'${name}'`, block));
      if (handle === undefined) known = false;
      else this.#handles.push(handle);
      if (handle !== undefined) this.#problems.attempt(() => this.#readMeta(name, handle));
    });
    return walked && known;
  }

  #readMeta(name: string, handle: BlockHandle): void {
    const contents = this.#readContents(handle);
    switch (name) {
      case MERKLE_BLOCK_NAME:
        this.#stored = decodeMerkleBlock(contents, this.#name, handle.offset);
        break;
      case FILTER_KEY_PREFIX + FILTER_NAME:
        this.#entries.useFilter(new FilterBlockReader(contents), false);
        break;
      case FILTER_KEY_PREFIX + LEGACY_FILTER_NAME:
        this.#entries.useFilter(new FilterBlockReader(contents), true);
        break;
      default:
    }
  }

  /** Checks every data block that the index lists. False when some of them may be unknown. */
  #checkIndex(index: Block): boolean {
    const cursor = this.#cursor;
    let known = true;
    let lastOffset = -1;
    let keyBytes = 0;
    const walked = walkBlock(index, cursor, this.#problems, () => {
      keyBytes += cursor.keyEnd - TRAILER_BYTES;
      if (keyBytes > maxIndexKeyBytes(this.#footerOffset))
        throw index.damage('keys of the index are longer than those of its blocks');
      const separator = cursor.keyBytes.slice(0, cursor.keyEnd);
      const handle = this.#problems.attempt(() => this.#handleAt(cursor, 'data', index));
      if (handle === undefined) {
        known = false;
        this.#root.addLeaf(UNREADABLE_LEAF);
        this.#entries.skipBlock(separator);
        return;
      }
      if (handle.offset <= lastOffset) {
        this.#problems.add(
          'the data block stands before the one that precedes it in the index',
          handle.offset,
        );
      }
      lastOffset = handle.offset;
      this.#handles.push(handle);
      this.#checkDataBlock(handle, separator);
    });
    return walked && known;
  }

  #checkDataBlock(handle: BlockHandle, separator: Uint8Array): void {
    const contents = this.#problems.attempt(() => this.#readContents(handle));
    this.#root.addLeaf(contents === undefined ? UNREADABLE_LEAF : blockLeaf(contents));
    const block = contents && this.#problems.attempt(() => new Block(contents, this.#name, handle.offset));
    if (block === undefined) this.#entries.skipBlock(separator);
    else this.#entries.checkBlock(block, separator);
  }

  /** Blocks must cover the file from its start to its footer, each byte once. */
  #checkTiling(): void {
    const blocks = [...this.#handles].sort((left, right) => left.offset - right.offset);
    let end = 0;
    for (const { offset, size } of [...blocks, { offset: this.#footerOffset, size: FOOTER_BYTES }]) {
      if (offset > end) this.#problems.add(`${offset - end} bytes belong to no block`, end);
      if (offset < end)
        this.#problems.add(`the block overlaps the one before by ${end - offset} bytes`, offset);
      end = offset + size + BLOCK_TRAILER_BYTES;
    }
  }

  #checkStoredRoot(): void {
    const stored = this.#stored;
    if (stored === undefined) return;
    if (stored.blocks !== this.#root.blocks) {
      this.#problems.add(
        `the Merkle block states ${stored.blocks} data blocks, the index ${this.#root.blocks}`,
      );
      return;
    }
    const leaves = this.#root.leaves();
    for (let at = 0; at < leaves.length; at += HASH_BYTES) {
      const end = at + HASH_BYTES;
      if (equalRanges(leaves, at, end, stored.leaves, at, end)) continue;
      this.#problems.add(`data block ${at / HASH_BYTES} does not have the hash that the Merkle block states`);
    }
  }

  #handleAt(cursor: BlockCursor, what: string, block: Block): BlockHandle {
    const handle = decodeBlockHandle(cursor.contents, cursor.valueStart, cursor.valueEnd);
    return checkHandle(handle, what, this.#name, block.offset, this.#footerOffset);
  }

  #readBlock(handle: BlockHandle): Block {
    return new Block(this.#readContents(handle), this.#name, handle.offset);
  }

  #readContents({ offset, size }: BlockHandle): Uint8Array<ArrayBuffer> {
    const stored = this.#readBytes(offset, size + BLOCK_TRAILER_BYTES);
    const type = checkBlockTrailer(stored, size, this.#name, offset);
    return decompressBlock(stored.subarray(0, size), type, this.#name, offset);
  }

  #readBytes(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    const count = this.#file.readNow(bytes, 0, length, offset);
    if (count === length) return bytes;
    throw corruption(`the file ends ${length - count} bytes too early`, this.#name, offset);
  }
}
