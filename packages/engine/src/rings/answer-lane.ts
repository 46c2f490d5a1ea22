import { ticketAfter } from '@arena-level/common/rings/tickets';

/** Tickets in a row that have one fate. */
interface Range {
  readonly fate: object;
  readonly first: number;
  last: number;
  isSettled: boolean;
}

/**
 * The writes of one thread that wait for one kind of answer, in their order. The counter that the thread sees passes a
 * write when that and all before it are settled, whatever the order in which they are.
 */
export class AnswerLane {
  readonly #control: Int32Array;
  /** Index of the counter in it. */
  readonly #counter: number;
  readonly #ranges: Range[] = [];

  constructor(control: Int32Array, counter: number) {
    this.#control = control;
    this.#counter = counter;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** The write with this ticket shares `fate`. Tickets ascend. */
  expect(ticket: number, fate: object): void {
    const tail = this.#ranges.at(-1);
    if (tail !== undefined && tail.fate === fate && !tail.isSettled && ticket === ticketAfter(tail.last)) {
      tail.last = ticket;
      return;
    }
    this.#ranges.push({ fate, first: ticket, last: ticket, isSettled: false });
  }

  /** The writes that share `fate` have their answer; `failed` is told of them first, for those that failed. */
  settle(fate: object, failed?: (first: number, last: number) => void): void {
    for (const range of this.#ranges) {
      if (range.fate !== fate || range.isSettled) continue;
      range.isSettled = true;
      failed?.(range.first, range.last);
    }
    this.#advance();
  }

  #advance(): void {
    const ranges = this.#ranges;
    let settled = 0;
    while (settled < ranges.length && ranges[settled]!.isSettled) settled++;
    if (settled === 0) return;
    const { last } = ranges[settled - 1]!;
    ranges.splice(0, settled);
    Atomics.store(this.#control, this.#counter, last);
  }
}
