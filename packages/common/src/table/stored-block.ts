/**
 * A data block of a table, to be taken over into another one as it is stored. Whoever gives it has verified it: the
 * checksum, the contents, and that its entries are those listed here.
 */
export interface StoredBlock {
  /** The stored bytes are bytes[start, end), the trailer of the block behind them. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Its leaf in the Merkle tree. */
  readonly leaf: Uint8Array;
  /** At least 1. User key i is keys[keyStarts[i], keyEnds[i]), its trailer behind it. */
  readonly entries: number;
  readonly keys: Uint8Array;
  readonly keyStarts: Uint32Array;
  readonly keyEnds: Uint32Array;
  readonly smallestSequence: number;
  readonly largestSequence: number;
}
