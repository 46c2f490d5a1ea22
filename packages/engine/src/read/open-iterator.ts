import type { BlockLoader } from '../cache/block-loader.ts';
import type { TableCache } from '../cache/table-cache.ts';
import { resolveIteratorOptions, type StoreIteratorOptions } from '../iterator/iterator-options.ts';
import { StoreIterator } from '../iterator/store-iterator.ts';
import type { Turns } from '../iterator/turns.ts';
import type { ReadView } from '../memtable/read-view.ts';
import { ViewSource } from './view-source.ts';

export interface IteratorParts {
  readonly tables: TableCache;
  readonly blocks: BlockLoader;
  readonly turns: Turns;
}

/**
 * An iterator over what a reader at `sequence` sees in a view. It holds the view until it is closed; `onClose` is
 * called once then. Checks the options.
 */
export function openIterator(
  view: ReadView,
  sequence: number,
  options: StoreIteratorOptions,
  { tables, blocks, turns }: IteratorParts,
  onClose: (iterator: StoreIterator) => void,
): StoreIterator {
  const resolved = resolveIteratorOptions(options);
  const source = new ViewSource(view, resolved.range, tables, blocks.source(resolved.fillCache));
  return new StoreIterator(source, sequence, resolved, turns, onClose);
}
