/**
 * What was written to a store, in order, and what of it was promised when.
 *
 * Moments are lengths of the storage's trace: position p is the moment after the first p file operations. A promise
 * is entered at the moment at which the caller got it, so a crash at that position or later must not break it.
 */
import { contentsText } from './store-contents.ts';

/** `undefined`: the key was deleted. */
export interface Change {
  readonly key: string;
  readonly value: string | undefined;
}

/** A put, a delete, or a batch: there as a whole or not at all. */
export interface Operation {
  readonly changes: readonly Change[];
  readonly issuedAt: number;
}

interface Promised {
  readonly at: number;
  /** The first so many operations. */
  readonly operations: number;
}

/** `process`: only the process died. `machine`: what was not synced may be gone. */
export type CrashKind = 'process' | 'machine';

export class History {
  readonly operations: Operation[] = [];
  /** Operations that failed. */
  readonly #failed = new Set<number>();
  #hasFailed = false;
  readonly #promises: Readonly<Record<CrashKind, Promised[]>> = { process: [], machine: [] };
  #states: string[] | undefined;

  /** Enters an operation as the next in the order of writes, and returns its place there. */
  issue(changes: readonly Change[], at: number): number {
    this.#states = undefined;
    return this.operations.push({ changes, issuedAt: at }) - 1;
  }

  /** The caller heard that an operation was written. */
  acknowledged(operation: number, at: number): void {
    this.#promises.process.push({ at, operations: operation + 1 });
  }

  /** The caller heard that the first `operations` operations are on the disk. */
  durable(operations: number, at: number): void {
    this.#promises.process.push({ at, operations });
    this.#promises.machine.push({ at, operations });
  }

  /** The caller heard that it failed. REQUIRES: it left nothing behind that a reopen can find. */
  failed(operation: number): void {
    this.#states = undefined;
    this.#hasFailed = true;
    this.#failed.add(operation);
  }

  /** A crash left the first `operations` operations; moments count from zero again. */
  restart(operations: number): void {
    this.#states = undefined;
    const kept = this.operations.splice(0).slice(0, operations);
    for (const { changes } of kept) this.operations.push({ changes, issuedAt: 0 });
    this.#promises.process.length = 0;
    this.#promises.machine.length = 0;
    for (const failed of [...this.#failed]) if (failed >= operations) this.#failed.delete(failed);
    this.durable(operations, 0);
  }

  /**
   * True when sequence numbers tell how many operations there are. An operation that failed may have used some up,
   * or not; from then on only the contents tell, and those may be the same after several numbers of operations.
   */
  get isCountable(): boolean {
    return !this.#hasFailed;
  }

  /** How many operations a crash at `position` must leave. */
  promisedAt(position: number, kind: CrashKind): number {
    let operations = 0;
    for (const promised of this.#promises[kind])
      if (promised.at <= position) operations = Math.max(operations, promised.operations);
    return operations;
  }

  /** How many operations a crash at `position` may leave. */
  issuedAt(position: number): number {
    let operations = 0;
    while ((this.operations[operations]?.issuedAt ?? Number.POSITIVE_INFINITY) <= position) operations++;
    return operations;
  }

  /** The contents after the first `operations` operations, as `contentsText` writes them. */
  contentsAfter(operations: number): string {
    return this.#allStates()[operations]!;
  }

  /** The greatest number of operations, up to `most`, that leaves these contents; undefined when none does. */
  lengthOf(contents: string, most: number): number | undefined {
    const states = this.#allStates();
    let operations = most;
    while (operations >= 0 && states[operations] !== contents) operations--;
    return operations < 0 ? undefined : operations;
  }

  /** How many operations the first `entries` entries make up; undefined when that is in the middle of one. */
  lengthOfEntries(entries: number): number | undefined {
    let sum = 0;
    for (let i = 0; i <= this.operations.length; i++) {
      if (sum === entries) return i;
      sum += this.operations[i]?.changes.length ?? 0;
    }
    return undefined;
  }

  #allStates(): readonly string[] {
    if (this.#states !== undefined) return this.#states;
    const contents = new Map<string, string>();
    const states = [contentsText(contents)];
    for (const [i, { changes }] of this.operations.entries()) {
      if (!this.#failed.has(i)) for (const change of changes) apply(contents, change);
      states.push(contentsText(contents));
    }
    this.#states = states;
    return states;
  }
}

export function apply(contents: Map<string, string>, { key, value }: Change): void {
  if (value === undefined) contents.delete(key);
  else contents.set(key, value);
}
