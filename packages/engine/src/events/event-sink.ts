import type { StoreEventName, StoreEvents } from './events.ts';

export type StoreListener<N extends StoreEventName> = (details: StoreEvents[N]) => void;

/** A listener of everything, called inside the step itself: for transcripts. It must not call the store. */
export type StoreTrace = <N extends StoreEventName>(name: N, details: StoreEvents[N]) => void;

/**
 * Delivers events in their order, after the step they tell of: a listener may call any method of the store, the
 * blocking ones too, without meeting a half-done step. A listener that throws does so as an uncaught exception,
 * like any callback; the store goes on.
 */
export class EventSink {
  readonly #listeners = new Map<StoreEventName, Set<(details: never) => void>>();
  readonly #trace: StoreTrace | undefined;
  #queue: (() => void)[] = [];

  constructor(trace?: StoreTrace) {
    this.#trace = trace;
  }

  on<N extends StoreEventName>(name: N, listener: StoreListener<N>): void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
  }

  off<N extends StoreEventName>(name: N, listener: StoreListener<N>): void {
    this.#listeners.get(name)?.delete(listener);
  }

  emit<N extends StoreEventName>(name: N, details: StoreEvents[N]): void {
    this.#trace?.(name, details);
    const listeners = this.#listeners.get(name);
    if (listeners === undefined || listeners.size === 0) return;
    for (const listener of listeners) {
      // Taken off meanwhile, it is not called any more.
      this.#queue.push(() => {
        if (listeners.has(listener)) (listener as StoreListener<N>)(details);
      });
    }
    if (this.#queue.length === listeners.size) process.nextTick(() => this.#deliver());
  }

  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const call of queue) {
      try {
        call();
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
