/**
 * Checks histories of registers while they happen, on all threads at once.
 *
 * A register is a key, or a group of keys that one batch writes. It has one writer, which numbers its writes 1, 2, 3, …; a
 * write that deletes has a number as well. The history is linearizable exactly when each read [begin, end] gives a write that
 *
 *   - is not older than any that was acknowledged before `begin`,
 *   - is not older than any that a read that ended before `begin` gave,
 *   - was begun before `end`.
 *
 * So three numbers per register suffice, in shared memory: `begun` and `acknowledged`, which the writer sets right before and
 * after, and `seen`, which each reader raises after its read. They are read with atomics before the read and after it.
 */
export const REGISTERS = 64;

const Row = { Begun: 0, Acknowledged: 1, Seen: 2 } as const;
const ROWS = 3;

/** Every so many writes one deletes. */
const DELETE_EVERY = 7;

export function isDelete(write: number): boolean {
  return write % DELETE_EVERY === 0;
}

/** What a read may give: writes from `least` on. Taken before it begins. */
export interface Expectation {
  readonly register: number;
  readonly least: number;
}

export class RegisterHistory {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(shared = new SharedArrayBuffer(ROWS * REGISTERS * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
  }

  /** The number of the next write, which begins now. Writer only. */
  begin(register: number): number {
    return Atomics.add(this.#words, Row.Begun * REGISTERS + register, 1) + 1;
  }

  acknowledge(register: number, write: number): void {
    this.#raise(Row.Acknowledged * REGISTERS + register, write);
  }

  expect(register: number): Expectation {
    const acknowledged = Atomics.load(this.#words, Row.Acknowledged * REGISTERS + register);
    const seen = Atomics.load(this.#words, Row.Seen * REGISTERS + register);
    return { register, least: Math.max(acknowledged, seen) };
  }

  /** What is wrong with what a read gave, undefined standing for no value; undefined: nothing. `isNow` is false for a snapshot. */
  check({ register, least }: Expectation, given: number | undefined, isNow = true): string | undefined {
    const begun = Atomics.load(this.#words, Row.Begun * REGISTERS + register);
    const write = given ?? leastDelete(least);
    if (write < least || write > begun || (given !== undefined && isDelete(given))) {
      return `register ${register}: ${given === undefined ? 'nothing' : `write ${given}`} instead of ${least} to ${begun}`;
    }
    if (isNow) this.#raise(Row.Seen * REGISTERS + register, write);
    return undefined;
  }

  #raise(at: number, to: number): void {
    for (;;) {
      const before = Atomics.load(this.#words, at);
      if (before >= to || Atomics.compareExchange(this.#words, at, before, to) === before) return;
    }
  }
}

/** No value: nothing was ever written, or the first delete from there on. */
function leastDelete(least: number): number {
  return least === 0 ? 0 : Math.ceil(least / DELETE_EVERY) * DELETE_EVERY;
}
