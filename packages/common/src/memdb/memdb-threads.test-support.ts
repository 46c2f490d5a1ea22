/** What the two sides of `memdb-threads.test.ts` know of each other. */

export interface ReaderTask {
  readonly arena: SharedArrayBuffer;
  readonly generation: number;
  readonly control: SharedArrayBuffer;
  readonly firstSequence: number;
  readonly seed: number;
}

export interface ReaderReport {
  readonly problems: readonly string[];
  readonly count: number;
}

/** Words of the control memory. */
export const ControlWord = { Ready: 0, Rounds: 1, Done: 2 } as const;
export const CONTROL_WORDS = 3;

/** Different keys: every entry has the key of the entry KEYS before it. A prime. */
export const KEYS = 1009;

export function writeOf(entry: number): { readonly key: string; readonly value: string | undefined } {
  const key = `key:${(entry * 7919) % KEYS}`;
  return { key, value: entry % 11 === 0 ? undefined : `value ${entry}` };
}
