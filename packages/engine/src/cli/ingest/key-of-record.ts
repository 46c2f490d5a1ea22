/** Makes the key of a record: the values of the key fields in order, with the delimiter between them. Pure. */
import { MAX_KEY_BYTES } from '@arena-level/common/base/limits';

export type KeyResult = { readonly key: Uint8Array } | { readonly reason: string };

/**
 * The value of a field of parsed JSON. A dot leads into nested objects and arrays (`address.city`, `tags.0`); a
 * field whose own name has the dot is preferred. Undefined when there is none.
 */
export function fieldValue(record: object, field: string): unknown {
  if (Object.hasOwn(record, field)) return (record as Record<string, unknown>)[field];
  let current: unknown = record;
  for (const name of field.split('.')) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

/** The key of parsed JSON. */
export function keyOfJson(record: object, fields: readonly string[], delimiter: string): KeyResult {
  const parts: string[] = [];
  for (const field of fields) {
    const value = fieldValue(record, field);
    if (value === undefined) return { reason: `lacks the key field '${field}'` };
    const part = keyPart(value);
    if (part === undefined) return { reason: `has ${describe(value)} in the key field '${field}'` };
    parts.push(part);
  }
  return joinKey(parts, delimiter);
}

/**
 * Other parts never give the same key, or one record would replace the other: the parts must be what is found between
 * the delimiters again. Without a delimiter the caller has asked for keys that run together.
 */
export function joinKey(parts: readonly string[], delimiter: string): KeyResult {
  const text = parts.join(delimiter);
  if (parts.length > 1 && delimiter !== '' && !isSplitInto(text, parts, delimiter)) {
    return { reason: `has the delimiter '${delimiter}' inside a key field (see --delimiter-of-key)` };
  }
  const key = Buffer.from(text);
  if (key.length === 0) return { reason: 'has an empty key' };
  if (key.length > MAX_KEY_BYTES)
    return { reason: `has a key of ${key.length} bytes, over ${MAX_KEY_BYTES}` };
  return { key };
}

/** A delimiter of several characters may also be found across the end of a part. */
function isSplitInto(text: string, parts: readonly string[], delimiter: string): boolean {
  let at = 0;
  for (const part of parts.slice(0, -1)) {
    if (text.indexOf(delimiter, at) !== at + part.length) return false;
    at += part.length + delimiter.length;
  }
  return !text.includes(delimiter, at);
}

/** Text for a key; undefined for what has no text of its own. */
function keyPart(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
      return String(value);
    case 'number':
      // Two large integers may have been read as one number: their records must not overwrite each other.
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
    default:
      return undefined;
  }
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'number' ? 'an integer too large to be read exactly' : 'an object';
}
