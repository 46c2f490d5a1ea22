/** A table of a version, as the manifest states it. Immutable; versions share the objects. */
export interface TableMetadata {
  readonly number: number;
  /** Bytes of the file. */
  readonly size: number;
  /** First and last internal key of the table, at least TRAILER_BYTES long. Not to be changed. */
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
}
