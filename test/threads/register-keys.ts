import type { Prng } from '@arena-level/common/base/prng';
import type { BatchOperation } from 'arena-level/engine';
import { bytes } from '../support/text-bytes.ts';
import { isDelete, REGISTERS } from './register-history.ts';

/** Registers below this one are single keys, the others groups. */
export const FIRST_GROUP = 40;
const KEYS_PER_GROUP = 5;

export function isGroup(register: number): boolean {
  return register >= FIRST_GROUP;
}

/** In the order of iteration. Groups lie next to one another, keys of single registers in between the groups. */
export function keysOf(register: number): string[] {
  const place = String(register % FIRST_GROUP).padStart(3, '0');
  if (!isGroup(register)) return [`r${place}/z`];
  return Array.from({ length: KEYS_PER_GROUP }, (_, i) => `r${place}/${i}`);
}

/** The range in which a group's keys are, and nothing else. */
export function rangeOf(register: number): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  const place = String(register % FIRST_GROUP).padStart(3, '0');
  return { gte: bytes(`r${place}/`), lt: bytes(`r${place}/z`) };
}

/** A value names its key and its write, and ends in a pattern of its own: whatever else stands there is noticed. */
export function valueFor(key: string, write: number): Uint8Array<ArrayBuffer> {
  const pattern = String.fromCharCode(97 + (write % 26));
  return bytes(`${key}#${write}#${pattern.repeat(20 + ((write * 31) % 90))}`);
}

/** The write that a value is of. Throws for one that nobody wrote under this key. */
export function writeOf(key: string, value: Uint8Array): number {
  const found = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  const write = Number(found.split('#')[1]);
  if (!Number.isInteger(write) || Buffer.compare(valueFor(key, write), value) !== 0) {
    throw new Error(`${key} has the value ${JSON.stringify(found)}, which nobody wrote`);
  }
  return write;
}

/** What a write of a register does. */
export function operationsOf(register: number, write: number): BatchOperation[] {
  return keysOf(register).map((key) =>
    isDelete(write)
      ? { type: 'del', key: bytes(key) }
      : { type: 'put', key: bytes(key), value: valueFor(key, write) },
  );
}

export const GROUPS: readonly number[] = Array.from(
  { length: REGISTERS - FIRST_GROUP },
  (_, i) => FIRST_GROUP + i,
);

export function hotRegister(prng: Prng): number {
  return FIRST_GROUP + prng.below(2);
}

/** The one write that all values of a group are of; undefined: there is none. Throws when they are not of one. */
export function writeOfGroup(
  register: number,
  values: readonly (Uint8Array | undefined)[],
): number | undefined {
  const writes = keysOf(register).map((key, i) =>
    values[i] === undefined ? undefined : writeOf(key, values[i]),
  );
  if (writes.some((write) => write !== writes[0])) {
    throw new Error(`the batches of group ${register} are not whole: ${writes.join(', ')}`);
  }
  return writes[0];
}
