import type { Change, IteratorSpec } from './operations.ts';
import type { ModelEntry } from './sorted-model.ts';

/** A store that operations are played on. Slots are empty where something is opened, and filled elsewhere. */
export interface Contender {
  readonly name: string;
  write(
    changes: readonly Change[],
    options: { readonly sync: boolean; readonly blocks: boolean },
  ): Promise<void>;
  openSnapshot(slot: number): void;
  closeSnapshot(slot: number): void;
  openIterator(slot: number, range: IteratorSpec, snapshot: number | undefined): void;
  stepIterator(slot: number, steps: number, blocks: boolean): Promise<ModelEntry[]>;
  seekIterator(slot: number, target: string): void;
  closeIterator(slot: number): Promise<void>;
  getMany(keys: readonly string[], snapshot: number | undefined): Promise<(Uint8Array | undefined)[]>;
  /** Everything, as of now or of a snapshot. */
  contents(reverse: boolean, snapshot: number | undefined): Promise<ModelEntry[]>;
  flush(): Promise<void>;
  rotate(): Promise<void>;
  compact(start: string | undefined, end: string | undefined, awaited: boolean): Promise<void>;
  /** Snapshots and iterators have been closed. */
  reopen(): Promise<void>;
  /** Lets what runs in the background go on a little, and throws what has failed there. */
  turn(): Promise<void>;
  /** Throws what is found wrong with the store as a whole. */
  finish(): Promise<void>;
  close(): Promise<void>;
}
