/** Data blocks and entries of a table, and what they come to. */
import type { Block } from '@arena-level/common/block/block';
import { BlockIterator } from '@arena-level/common/block/block-iterator';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { counted, formatBytes } from '../format.ts';
import { type DumpTarget, keyJson, keyText, print, valueJson, valueText } from './dump-target.ts';

export interface BlockFacts {
  readonly index: number;
  readonly offset: number;
  readonly storedBytes: number;
  readonly isSnappy: boolean;
  /** Its leaf in the Merkle tree, hexadecimal. */
  readonly leaf: string;
}

export class EntryPrinter {
  readonly #target: DumpTarget;
  readonly #entry = new BlockIterator();
  #puts = 0;
  #dels = 0;
  #contentBytes = 0;
  #storedBytes = 0;
  #smallestSequence = Number.POSITIVE_INFINITY;
  #largestSequence = 0;

  constructor(target: DumpTarget) {
    this.#target = target;
  }

  /** True when all of a block reads as entries. */
  takes(block: Block): boolean {
    try {
      this.#walk(block, () => {});
      return true;
    } catch {
      return false;
    }
  }

  block(block: Block, { index, offset, storedBytes, isSnappy, leaf }: BlockFacts): void {
    const target = this.#target;
    let entries = 0;
    let first: Uint8Array = new Uint8Array(0);
    this.#walk(block, ({ keyBytes, keyEnd }) => {
      if (entries++ === 0) first = keyBytes.slice(0, keyEnd);
    });
    this.#contentBytes += block.contents.length;
    this.#storedBytes += storedBytes;
    const fields = {
      index,
      offset,
      bytes: storedBytes,
      contents: block.contents.length,
      snappy: isSnappy,
      entries,
      leaf,
    };
    if (target.json) {
      print(target, '', 'block', fields, { firstKey: keyJson(first, target) });
    } else {
      const size = isSnappy
        ? `${storedBytes} bytes (snappy, ${block.contents.length})`
        : `${storedBytes} bytes`;
      target.output.line(
        `${String(offset).padStart(10)}  block ${index}, ${size}, ${counted(entries, 'entry', 'entries')} ` +
          `from ${keyText(first, target)}, leaf ${leaf.slice(0, 16)}…`,
      );
    }
    this.#count(block);
  }

  summary(blocks: number): void {
    const entries = this.#puts + this.#dels;
    const sequences = entries === 0 ? null : [this.#smallestSequence, this.#largestSequence];
    const span = sequences === null ? '' : `, sequence numbers ${sequences[0]} to ${sequences[1]}`;
    print(
      this.#target,
      `${counted(blocks, 'data block')} of ${formatBytes(this.#contentBytes)} (${formatBytes(this.#storedBytes)} stored), ` +
        `${counted(this.#puts, 'put')}, ${counted(this.#dels, 'deletion')}${span}`,
      'summary',
      {
        blocks,
        entries,
        puts: this.#puts,
        deletions: this.#dels,
        contentBytes: this.#contentBytes,
        storedBytes: this.#storedBytes,
        sequences,
      },
    );
  }

  #count(block: Block): void {
    const target = this.#target;
    this.#walk(block, (entry) => {
      if (entry.kind === ValueKind.Put) this.#puts++;
      else this.#dels++;
      this.#smallestSequence = Math.min(this.#smallestSequence, entry.sequence);
      this.#largestSequence = Math.max(this.#largestSequence, entry.sequence);
      if (target.entries) this.#print(entry);
    });
  }

  #print({ keyBytes, keyEnd, sequence, kind, valueBytes, valueStart, valueEnd }: BlockIterator): void {
    const target = this.#target;
    const key = keyBytes.subarray(0, keyEnd);
    const value = valueBytes.subarray(valueStart, valueEnd);
    const isPut = kind === ValueKind.Put;
    if (target.json) {
      const raw = { key: keyJson(key, target), ...(isPut ? { value: valueJson(value, target) } : {}) };
      print(target, '', isPut ? 'put' : 'del', { sequence }, raw);
    } else {
      const text = isPut
        ? `put  ${keyText(key, target)}@${sequence}  ${valueText(value, target)}`
        : `del  ${keyText(key, target)}@${sequence}`;
      target.output.line(`            ${text}`);
    }
  }

  #walk(block: Block, visit: (entry: BlockIterator) => void): void {
    const entry = this.#entry;
    entry.attach(block);
    try {
      for (entry.first(); entry.valid; entry.next()) visit(entry);
    } finally {
      entry.detach();
    }
  }
}
