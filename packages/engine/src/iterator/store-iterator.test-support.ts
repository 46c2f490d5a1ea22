/** What tests of the StoreIterator share. */
import type { Entry } from './entry-batch.ts';
import { type Blocking, EntryRun, NEVER_BLOCKED, type VersionedEntry } from './entry-run.test-support.ts';
import { resolveIteratorOptions, type StoreIteratorOptions } from './iterator-options.ts';
import { MergingIterator } from './merging-iterator.ts';
import type { IteratorSource } from './range-reader.ts';
import { StoreIterator } from './store-iterator.ts';
import type { Turns } from './turns.ts';

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const text = (one: Uint8Array): string => Buffer.from(one).toString('latin1');
export const shown = (one: Entry | undefined): string | undefined =>
  one === undefined ? undefined : `${text(one[0])}=${text(one[1])}`;

/** Turns that are due when a test says so. */
export class CountedTurns implements Turns {
  due = false;
  taken = 0;

  isDue(): boolean {
    return this.due;
  }

  next(): Promise<void> {
    this.taken++;
    return Promise.resolve();
  }
}

/** An iterator over runs in memory, and what became of its source. */
export interface Opened {
  readonly iterator: StoreIterator;
  readonly turns: CountedTurns;
  readonly released: () => number;
  readonly closed: () => number;
  readonly opened: () => boolean;
}

export function open(
  runs: readonly (readonly VersionedEntry[])[],
  options: StoreIteratorOptions & {
    readonly sequence?: number;
    readonly blocking?: Blocking;
    readonly orderSteps?: number;
  } = {},
): Opened {
  const turns = new CountedTurns();
  let released = 0;
  let closed = 0;
  let opened = false;
  let orderSteps = options.orderSteps ?? 0;
  const source: IteratorSource = {
    orderStep: () => orderSteps-- > 0,
    open: () => {
      opened = true;
      return new MergingIterator(runs.map((run) => new EntryRun(run, options.blocking ?? NEVER_BLOCKED)));
    },
    check: () => {},
    release: () => {
      released++;
    },
  };
  const sequence = options.sequence ?? 1_000_000;
  const iterator = new StoreIterator(source, sequence, resolveIteratorOptions(options), turns, () => {
    closed++;
  });
  return { iterator, turns, released: () => released, closed: () => closed, opened: () => opened };
}

/** All entries that are left, as `key=value`. */
export async function all(iterator: StoreIterator): Promise<string[]> {
  const seen: string[] = [];
  for await (const one of iterator) seen.push(shown(one)!);
  return seen;
}
