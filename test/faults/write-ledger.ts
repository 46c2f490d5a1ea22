/**
 * Every write of a workload, what its caller was told, and what must therefore be found in the store.
 *
 * Each write has a marker key of its own that nothing else touches, so what a store holds says which writes are
 * there; the rest of its contents must then be exactly what those writes, in their order, leave.
 *
 * Moments are lengths of the storage's trace.
 */
import { contentsText } from '../crash/store-contents.ts';

/** `undefined`: the key was deleted. */
export interface Change {
  readonly key: string;
  readonly value: string | undefined;
}

interface Entry {
  readonly changes: readonly Change[];
  /** From these moments on it survives the death of the process, and of the machine. */
  acknowledgedAt: number;
  durableAt: number;
  /** The caller was told that nothing was written. */
  refused: boolean;
}

/** `process`: the process died. `machine`: what was not synced may be gone, but only the newest of it. */
export type Survivor = 'process' | 'machine';

const NEVER = Number.POSITIVE_INFINITY;

export class WriteLedger {
  readonly #entries: Entry[] = [];

  get length(): number {
    return this.#entries.length;
  }

  /** Enters the next write and returns its number. */
  enter(changes: readonly Change[]): number {
    return this.#entries.push({ changes, acknowledgedAt: NEVER, durableAt: NEVER, refused: false }) - 1;
  }

  acknowledge(write: number, at: number): void {
    this.#entries[write]!.acknowledgedAt = at;
  }

  refuse(write: number): void {
    this.#entries[write]!.refused = true;
  }

  /** The first `writes` writes survive from now on, those of them that were acknowledged. */
  makeDurable(writes: number, at: number): void {
    for (const entry of this.#entries.slice(0, writes)) {
      if (entry.acknowledgedAt <= at) entry.durableAt = Math.min(entry.durableAt, at);
    }
  }

  /** What is wrong with these contents of the store, as found after a crash at a moment; undefined: nothing. */
  problemOf(contents: ReadonlyMap<string, string>, survivor: Survivor, at: number): string | undefined {
    const present = this.#entries.map((_, write) => contents.has(markerOf(write)));
    const newest = present.lastIndexOf(true);
    const expected = new Map<string, string>();
    for (const [write, entry] of this.#entries.entries()) {
      if (present[write]) {
        if (entry.refused) return `write ${write} was refused and is there`;
        for (const change of entry.changes) apply(expected, change);
      } else if (entry.durableAt <= at) {
        return `write ${write} was durable and is gone`;
      } else if (entry.acknowledgedAt <= at && survivor === 'process') {
        return `write ${write} was acknowledged and is gone`;
      } else if (entry.acknowledgedAt <= at && write < newest) {
        return `write ${write} was acknowledged and is gone, while write ${newest}, a later one, is there`;
      }
    }
    if (contentsText(expected) === contentsText(contents)) return undefined;
    return `the contents are not what the ${present.filter(Boolean).length} writes leave that are there`;
  }
}

/** The key that tells whether a write is there. */
export function markerOf(write: number): string {
  return `write-${String(write).padStart(4, '0')}`;
}

function apply(contents: Map<string, string>, { key, value }: Change): void {
  if (value === undefined) contents.delete(key);
  else contents.set(key, value);
}
