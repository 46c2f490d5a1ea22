import { FIRST_SLOT_WORD, NO_EPOCH, PINS, SLOT_WORDS, SlotState, SlotWord } from './control-layout.ts';
import { loadCell, NO_SEQUENCE, storeCell, UNSETTLED } from './sequence-cell.ts';

/**
 * One thread's slot in the control buffer: what it holds of the store, written by it and read by the owner.
 *
 * A thread holds the views of the epoch it has seen, of its pinned epochs, and, from `floor` on when it has one, of all.
 * INVARIANT: an epoch is pinned, or above the floor, before `seen` leaves it; so whoever reads `seen` first and the pins
 * after never misses it.
 */
export class ThreadSlot {
  readonly words: Int32Array;
  readonly #first: number;

  constructor(words: Int32Array, index: number) {
    this.words = words;
    this.#first = FIRST_SLOT_WORD + index * SLOT_WORDS;
  }

  get state(): SlotState {
    return this.#load(SlotWord.State) as SlotState;
  }

  get incarnation(): number {
    return this.#load(SlotWord.Incarnation);
  }

  get seen(): number {
    return this.#load(SlotWord.Seen);
  }

  set seen(epoch: number) {
    this.#store(SlotWord.Seen, epoch);
  }

  set floor(epoch: number) {
    this.#store(SlotWord.Floor, epoch);
  }

  /** Changes whenever the thread takes part. */
  get heartbeat(): number {
    return this.#load(SlotWord.Heartbeat);
  }

  beat(): void {
    Atomics.add(this.words, this.#first + SlotWord.Heartbeat, 1);
  }

  /** Messages that the thread has taken from its port. */
  get taken(): number {
    return this.#load(SlotWord.Taken);
  }

  countTaken(): void {
    Atomics.add(this.words, this.#first + SlotWord.Taken, 1);
  }

  /** `threadId` of the thread that is attached, or was last; undefined before it is. */
  get thread(): number | undefined {
    const word = this.#load(SlotWord.Thread);
    return word === 0 ? undefined : word - 1;
  }

  /** That of the main thread is 0. */
  set thread(id: number) {
    this.#store(SlotWord.Thread, id + 1);
  }

  /** Snapshots that the thread has open. */
  get snapshots(): number {
    return this.#load(SlotWord.Snapshots);
  }

  /** Sequence number of the oldest of them, `NO_SEQUENCE` without one; the lowest there is while it is being changed. */
  get oldestSnapshot(): number {
    const sequence = loadCell(this.words, this.#first + SlotWord.OldestSnapshot);
    return sequence === UNSETTLED ? 0 : sequence;
  }

  setSnapshots(count: number, oldest: number): void {
    storeCell(this.words, this.#first + SlotWord.OldestSnapshot, oldest);
    this.#store(SlotWord.Snapshots, count);
  }

  /** Takes one edge of the slot's life; false when it is in another state by now. */
  change(from: SlotState, to: SlotState): boolean {
    return Atomics.compareExchange(this.words, this.#first + SlotWord.State, from, to) === from;
  }

  /** Empty again, in any state before. Owner only. */
  free(): void {
    this.#store(SlotWord.State, SlotState.Free);
    this.letGo();
  }

  /** Free → Handed, for one handle of its own. Owner only. */
  hand(): void {
    this.letGo();
    this.#store(SlotWord.Taken, 0);
    this.#store(SlotWord.Thread, 0);
    this.#store(SlotWord.Incarnation, (this.incarnation + 1) | 0);
    this.#store(SlotWord.State, SlotState.Handed);
  }

  /** Holds nothing any more. */
  letGo(): void {
    this.seen = NO_EPOCH;
    for (let pin = 0; pin < PINS; pin++) this.#store(SlotWord.Pins + pin, NO_EPOCH);
    this.floor = NO_EPOCH;
    this.setSnapshots(0, NO_SEQUENCE);
  }

  /** Whether the thread may read the view of an epoch. */
  holds(epoch: number): boolean {
    if (this.seen === epoch) return true;
    for (let pin = 0; pin < PINS; pin++) if (this.#load(SlotWord.Pins + pin) === epoch) return true;
    const floor = this.#load(SlotWord.Floor);
    return floor !== NO_EPOCH && epoch >= floor;
  }

  /** Pins an epoch; returns the place of the pin, or -1 when all are taken. Thread only. */
  pin(epoch: number): number {
    for (let pin = 0; pin < PINS; pin++) {
      if (this.#load(SlotWord.Pins + pin) !== NO_EPOCH) continue;
      this.#store(SlotWord.Pins + pin, epoch);
      return pin;
    }
    return -1;
  }

  unpin(pin: number): void {
    this.#store(SlotWord.Pins + pin, NO_EPOCH);
  }

  /** Wakes the thread that waits for `signal` to change. Owner only. */
  raiseSignal(): void {
    const word = this.#first + SlotWord.Signal;
    Atomics.add(this.words, word, 1);
    Atomics.notify(this.words, word);
  }

  get signal(): number {
    return this.#load(SlotWord.Signal);
  }

  /** Blocks until the signal is another than `value`, at most so long. Thread only. */
  waitForSignal(value: number, timeoutMs: number): void {
    Atomics.wait(this.words, this.#first + SlotWord.Signal, value, timeoutMs);
  }

  #load(word: number): number {
    return Atomics.load(this.words, this.#first + word);
  }

  #store(word: number, value: number): void {
    Atomics.store(this.words, this.#first + word, value);
  }
}
