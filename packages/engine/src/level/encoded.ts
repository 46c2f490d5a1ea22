/**
 * Keys and values as abstract-level hands them over, in one of the encodings that this database stores natively, and
 * back. `utf8` is native, too: a string is encoded once, and iterators make one of what they are at without a copy in between.
 */

/** A key or a value in its storage encoding: a string for `utf8`, bytes for `buffer` and `view`. */
export type Encoded = string | Buffer | Uint8Array;

/** How bytes are handed out. */
export type Form = 'utf8' | 'bytes';

export function formOf(encoding: unknown): Form {
  return encoding === 'utf8' ? 'utf8' : 'bytes';
}

/** The bytes of a key or value. What a custom encoding made of it may be anything: the engine's check refuses it. */
export function bytesOf(data: Encoded): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof Uint8Array || !ArrayBuffer.isView(data)) return data;
  const { buffer, byteOffset, byteLength } = data as ArrayBufferView;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A value that the engine handed out, which is a Buffer, as text. */
export function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : (value as Buffer).toString();
}
