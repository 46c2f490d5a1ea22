/** A table: its parts, from the footer inwards, then its data blocks in order. */
import { ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { runNow } from '@arena-level/common/base/steps';
import { Block } from '@arena-level/common/block/block';
import type { BlockHandle } from '@arena-level/common/block/block-handle';
import { BLOCK_TRAILER_BYTES, BlockType } from '@arena-level/common/block/block-trailer';
import { equalRanges } from '@arena-level/common/bytes/compare';
import { FILTER_NAME, LEGACY_FILTER_NAME } from '@arena-level/common/filter/filter-block';
import { HASH_BYTES } from '@arena-level/common/merkle/hashing';
import {
  blockLeaf,
  decodeMerkleBlock,
  MERKLE_BLOCK_NAME,
  type MerkleBlock,
} from '@arena-level/common/merkle/table-root';
import { type FileDesc, fileName } from '@arena-level/common/storage/file-desc';
import type { ReadableFile, Storage } from '@arena-level/common/storage/storage';
import { decodeFooter, FOOTER_BYTES, type Footer } from '@arena-level/common/table/table-format';
import {
  openTableIndex,
  parseMetaindex,
  readBytes,
  readContents,
  type TableReader,
} from '@arena-level/common/table/table-reader';
import { carveBlocks } from '../../repair/carve-blocks.ts';
import type { CliIo } from '../command.ts';
import { counted } from '../format.ts';
import { type DumpTarget, print, printDamage, printHead } from './dump-target.ts';
import { EntryPrinter } from './entry-printer.ts';

export async function dumpTable(
  storage: Storage,
  desc: FileDesc,
  target: DumpTarget,
  io: CliIo,
): Promise<void> {
  const file = await storage.openRead(desc);
  try {
    await new TableDump(file, target, io).run();
  } finally {
    file.closeNow();
  }
}

class TableDump {
  readonly #file: ReadableFile;
  readonly #name: string;
  readonly #target: DumpTarget;
  readonly #interrupt: AbortSignal;
  readonly #entries: EntryPrinter;
  #merkle: MerkleBlock | undefined;
  #blocks = 0;

  constructor(file: ReadableFile, target: DumpTarget, { interrupt }: CliIo) {
    this.#file = file;
    this.#name = fileName(file.file);
    this.#target = target;
    this.#interrupt = interrupt;
    this.#entries = new EntryPrinter(target);
  }

  async run(): Promise<void> {
    const target = this.#target;
    printHead(target, 'table', this.#name, this.#file.size);
    const footer = this.#attempt(() => this.#readFooter());
    if (footer !== undefined) this.#attempt(() => this.#readMeta(footer));
    const reader =
      footer === undefined
        ? undefined
        : this.#attempt(() => runNow(openTableIndex(this.#file, this.#file.size)));
    if (reader === undefined) await this.#carve();
    else await this.#readAll(reader);
    this.#entries.summary(this.#blocks);
  }

  /** Damage is printed, and the answer undefined. */
  #attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!hasCode(error, ErrorCode.Corruption) && !hasCode(error, ErrorCode.NotSupported)) throw error;
      printDamage(this.#target, (error as Error).message);
      return undefined;
    }
  }

  #readFooter(): Footer {
    const { size } = this.#file;
    const at = Math.max(0, size - FOOTER_BYTES);
    const bytes = runNow(readBytes(this.#file, this.#name, at, FOOTER_BYTES));
    const footer = decodeFooter(bytes, this.#name, size);
    this.#printPart('footer', { offset: at, size: FOOTER_BYTES }, '');
    this.#printPart('index', footer.index, '');
    this.#printPart('metaindex', footer.metaindex, '');
    return footer;
  }

  #readMeta({ metaindex }: Footer): void {
    const contents = runNow(readContents(this.#file, this.#name, metaindex));
    const block = new Block(contents, this.#name, metaindex.offset);
    const { filter, legacyFilter, merkle } = parseMetaindex(block, this.#file.size - FOOTER_BYTES);
    if (filter !== undefined) this.#readFilter(filter, FILTER_NAME);
    if (legacyFilter !== undefined) this.#readFilter(legacyFilter, LEGACY_FILTER_NAME);
    if (merkle !== undefined) this.#attempt(() => this.#readMerkle(merkle));
  }

  #readFilter(handle: BlockHandle, filterName: string): void {
    this.#printPart('filter', handle, filterName);
    this.#attempt(() => runNow(readContents(this.#file, this.#name, handle)));
  }

  #readMerkle(handle: BlockHandle): void {
    const contents = runNow(readContents(this.#file, this.#name, handle));
    const merkle = decodeMerkleBlock(contents, this.#name, handle.offset);
    const root = Buffer.from(merkle.root).toString('hex');
    this.#printPart(
      'merkle',
      handle,
      `${MERKLE_BLOCK_NAME}, ${counted(merkle.blocks, 'leaf', 'leaves')}, root ${root}`,
    );
    this.#merkle = merkle;
  }

  #printPart(kind: string, { offset, size }: BlockHandle, words: string): void {
    const place = `${String(offset).padStart(10)}  ${kind.padEnd(9)}  ${String(size).padStart(8)} bytes`;
    print(this.#target, `${place}${words === '' ? '' : `  ${words}`}`, kind, {
      offset,
      bytes: size,
      ...(words === '' ? {} : { words }),
    });
  }

  async #readAll(reader: TableReader): Promise<void> {
    for (let index = 0; index < reader.blocks && !this.#interrupt.aborted; index++) {
      const handle = reader.handle(index);
      const block = this.#attempt(() => reader.readBlockNow(index));
      if (block !== undefined) this.#printBlock(block, handle, index);
      if (this.#target.output.isFull) await this.#target.output.flush();
    }
  }

  /** Footer or index are damaged: whatever reads as a data block is one. */
  async #carve(): Promise<void> {
    await carveBlocks(this.#file, (block) => {
      if (block.restartsOffset === 0) return false;
      const { offset } = block;
      return (
        this.#entries.takes(block) &&
        this.#printBlock(block, { offset, size: block.contents.length }, undefined)
      );
    });
  }

  #printBlock(block: Block, { offset, size }: BlockHandle, index: number | undefined): true {
    const leaf = blockLeaf(block.contents);
    const stated = index === undefined ? undefined : this.#statedLeaf(index);
    const fits = stated === undefined || equalRanges(stated, 0, HASH_BYTES, leaf, 0, HASH_BYTES);
    this.#blocks++;
    this.#entries.block(block, {
      index: index ?? this.#blocks - 1,
      offset,
      storedBytes: size,
      isSnappy: index !== undefined && this.#typeOf(offset, size) === BlockType.Snappy,
      leaf: Buffer.from(leaf).toString('hex'),
    });
    if (!fits) {
      const message = `${this.#name} at offset ${offset}: data block ${index} does not have the hash that the Merkle block states`;
      printDamage(this.#target, message);
    }
    return true;
  }

  #statedLeaf(index: number): Uint8Array | undefined {
    const merkle = this.#merkle;
    if (merkle === undefined || index >= merkle.blocks) return undefined;
    return merkle.leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  #typeOf(offset: number, size: number): number {
    return runNow(readBytes(this.#file, this.#name, offset + size, BLOCK_TRAILER_BYTES))[0]!;
  }
}
