import type { Mutator } from './mutator.ts';

/** A parser, or a chain of them, and what may be put into it. */
export interface FuzzTarget {
  readonly name: string;
  /** How often it has its turn, compared with the others. */
  readonly weight: number;
  /** Sound inputs. */
  readonly corpus: readonly Uint8Array[];
  /** Makes another input from a sound one. Default: `Mutator.mutate`. */
  readonly make?: (input: Uint8Array, other: Uint8Array, mutator: Mutator) => Uint8Array<ArrayBuffer>;
  /** Makes the checksums right again, in place, as far as it can see what they are over. */
  readonly repair?: (bytes: Uint8Array<ArrayBuffer>) => void;
  /**
   * Parses the input, uses what it gets, and says whether it was taken whole. Throws the parser's error for what is
   * refused, and a plain one for anything that does not fit together.
   */
  readonly run: (bytes: Uint8Array<ArrayBuffer>) => boolean;
}

export function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
