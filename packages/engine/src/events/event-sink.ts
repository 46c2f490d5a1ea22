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
  readonly #traces: StoreTrace[];
  #queue: (() => void)[] = [];

  constructor(trace?: StoreTrace) {
    this.#traces = trace === undefined ? [] : [trace];
  }

  /** One more listener of everything, from now on, behind those that are there. */
  addTrace(trace: StoreTrace): void {
    this.#traces.push(trace);
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
    for (const trace of this.#traces) trace(name, details);
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of listeners) {
      // Taken off meanwhile, it is not called any more.
      this.deliver(() => {
        if (listeners.has(listener)) (listener as StoreListener<N>)(details);
      });
    }
  }

  /** Calls behind the step that is under way, and behind what was to be delivered before. */
  deliver(call: () => void): void {
    if (this.#queue.push(call) === 1) process.nextTick(() => this.#deliverAll());
  }

  #deliverAll(): void {
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
