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
    if (part === undefined) return { reason: `key field '${field}' is ${describe(value)}` };
    parts.push(part);
  }
  return joinKey(parts, delimiter);
}

export function joinKey(parts: readonly string[], delimiter: string): KeyResult {
  const key = Buffer.from(parts.join(delimiter));
  if (key.length === 0) return { reason: 'its key is empty' };
  if (key.length > MAX_KEY_BYTES)
    return { reason: `its key of ${key.length} bytes is over ${MAX_KEY_BYTES}` };
  return { key };
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
