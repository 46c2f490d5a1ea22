/** Who has a store open, as the holder file says it. */
import type { ProcessFacts } from './this-process.ts';

export interface Holder extends ProcessFacts {
  /** Different for every time a store is opened. */
  readonly nonce: string;
  readonly threadId: number;
  /** The holder keeps its own holder file open under this number; the thread's death closes it. */
  readonly descriptor: number;
  /** `device:inode` of that file. */
  readonly holderFile: string;
  /** `device:inode` of the LOCK file it has locked as well; undefined without the native package. */
  readonly lockFile: string | undefined;
  /** When the store was opened, ISO 8601. */
  readonly since: string;
}

/** A holder file is a few hundred bytes; anything longer is none. */
export const MAX_HOLDER_BYTES = 4096;

const STRINGS = ['host', 'machine', 'nonce', 'holderFile', 'since'] as const;
const OPTIONAL_STRINGS = ['boot', 'pidNamespace', 'startTime', 'lockFile'] as const;
const NUMBERS = ['pid', 'threadId', 'descriptor'] as const;

export function encodeHolder(holder: Holder): string {
  return `${JSON.stringify(holder, undefined, 2)}\n`;
}

/** Undefined for what is no whole holder file. */
export function parseHolder(text: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const whole =
    STRINGS.every((name) => typeof fields[name] === 'string') &&
    OPTIONAL_STRINGS.every((name) => fields[name] === undefined || typeof fields[name] === 'string') &&
    NUMBERS.every((name) => Number.isSafeInteger(fields[name]) && (fields[name] as number) >= 0) &&
    isNonce(fields['nonce'] as string) &&
    (fields['pid'] as number) > 0;
  return whole ? (value as Holder) : undefined;
}

/** A nonce becomes part of a file name. */
function isNonce(nonce: string): boolean {
  return /^[0-9a-f-]{1,64}$/.test(nonce);
}

export function describeHolder(holder: Holder, here: ProcessFacts): string {
  const sameProcess =
    holder.pid === here.pid &&
    holder.startTime === here.startTime &&
    holder.pidNamespace === here.pidNamespace;
  const process = sameProcess && holder.machine === here.machine ? 'this process' : `process ${holder.pid}`;
  return `${process}, thread ${holder.threadId}, on ${holder.host}, since ${holder.since}`;
}
