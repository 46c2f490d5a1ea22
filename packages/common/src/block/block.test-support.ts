/** Data blocks in memory, for the tests of this folder. */
import type { Prng } from '../base/prng.ts';
import { compareBytes } from '../bytes/compare.ts';
import { Block } from './block.ts';
import { BlockBuilder } from './block-builder.ts';
import type { BlockIterator } from './block-iterator.ts';

export interface BlockEntry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly kind: number;
  readonly value: Uint8Array;
}

export const SEED = Number(process.env['SEED'] ?? 20_240_501);

export const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'latin1'));
export const fromHex = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
export const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

export function buildContents(entries: readonly BlockEntry[], restartInterval = 16): Uint8Array<ArrayBuffer> {
  const builder = new BlockBuilder(restartInterval);
  for (const { key, sequence, kind, value } of entries) {
    builder.addEntry(key, 0, key.length, sequence, kind, value, 0, value.length);
  }
  builder.finish();
  return builder.buffer.slice(builder.start, builder.end);
}

export function buildBlock(entries: readonly BlockEntry[], restartInterval = 16): Block {
  return new Block(buildContents(entries, restartInterval), '000007.ldb', 4096);
}

export function compareEntries(left: BlockEntry, right: BlockEntry): number {
  return compareBytes(left.key, right.key) || right.sequence - left.sequence || right.kind - left.kind;
}

/**
 * Entries in order, no two alike. Short keys over few bytes: many are prefixes of others, some look like trailers,
 * and many have several versions.
 */
export function randomEntries(prng: Prng, count: number): BlockEntry[] {
  const alphabet = [0x00, 0x01, 0x02, 0x61, 0x62, 0xff];
  const entries = new Map<string, BlockEntry>();
  for (let i = 0; i < count; i++) {
    const key = Uint8Array.from({ length: prng.below(12) }, () => alphabet[prng.below(alphabet.length)]!);
    const sequence = prng.oneIn(4) ? prng.below(0x1_0000_0000) * 0x10_0000 : prng.below(5);
    const value = new Uint8Array(prng.oneIn(10) ? 100 + prng.below(400) : prng.below(8)).fill(
      prng.below(256),
    );
    entries.set(`${hex(key)}#${sequence}`, { key, sequence, kind: prng.below(2), value });
  }
  return [...entries.values()].sort(compareEntries);
}

/** A key near those of the entries: one of them, a prefix, an extension, or none of that. */
export function randomTarget(
  prng: Prng,
  entries: readonly BlockEntry[],
): { key: Uint8Array; sequence: number } {
  const { key, sequence } = entries[prng.below(entries.length)]!;
  switch (prng.below(4)) {
    case 0:
      return { key: key.slice(0, prng.below(key.length + 1)), sequence };
    case 1:
      return { key: Uint8Array.of(...key, prng.below(256)), sequence: prng.below(6) };
    case 2:
      return { key, sequence: Math.max(0, sequence + prng.below(3) - 1) };
    default:
      return { key, sequence: prng.oneIn(2) ? Number.MAX_SAFE_INTEGER : 0 };
  }
}

export function lineOf({ key, sequence, kind, value }: BlockEntry): string {
  return `${hex(key)}#${sequence},${kind}=${hex(value)}`;
}

/** The current entry as a line, or 'none'. */
export function currentLine(iterator: BlockIterator): string {
  if (!iterator.valid) return 'none';
  return lineOf({
    key: iterator.keyBytes.slice(0, iterator.keyEnd),
    sequence: iterator.sequence,
    kind: iterator.kind,
    value: iterator.valueBytes.slice(iterator.valueStart, iterator.valueEnd),
  });
}
