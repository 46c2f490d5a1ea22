/**
 * Data blocks that lie one behind the other in a table, read at once and not yet checked: what a walk reads ahead. A
 * block is checked when the walk comes to it, so damage further on keeps nobody from what lies before it.
 */
export interface BlockRun {
  /** The blocks [first, end) of their table. */
  readonly first: number;
  readonly end: number;
  /** The part of the file from `offset` on: bytes[0, length). */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offset: number;
  readonly length: number;
}

export function runHas(run: BlockRun | undefined, block: number): run is BlockRun {
  return run !== undefined && block >= run.first && block < run.end;
}
