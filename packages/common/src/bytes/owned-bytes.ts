/**
 * Copies of bytes that the engine hands out: ordinary, unshared memory of the caller's own.
 *
 * `Buffer.allocUnsafe` takes small ones from Node's pool of 8 KiB, which costs a third of a buffer of their own from
 * 64 bytes up. The `.buffer` of such a copy holds others too, as that of any small Buffer does.
 */

/** Up to here a loop is faster than making the view that `set` wants. */
const LOOP_MAX_BYTES = 32;

/** A copy of bytes[start, end). */
export function copyOwned(bytes: Uint8Array, start: number, end: number): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafe(end - start);
  copyTo(copy, 0, bytes, start, end);
  return copy;
}

/** bytes[start, end) as UTF-8, with U+FFFD for what is not: what `toString` of a copy would give, without the copy. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return utf8Slice.call(bytes, start, end);
}

/** Behind `Buffer.toString`; it takes any Uint8Array, one of shared memory, too. */
const { utf8Slice } = Buffer.prototype as unknown as {
  readonly utf8Slice: (this: Uint8Array, start: number, end: number) => string;
};

/** Copies bytes[start, end) to target[targetStart, ...). REQUIRES: room. */
export function copyTo(
  target: Uint8Array,
  targetStart: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start > LOOP_MAX_BYTES) {
    target.set(bytes.subarray(start, end), targetStart);
    return;
  }
  for (let from = start, to = targetStart; from < end; ) target[to++] = bytes[from++]!;
}
