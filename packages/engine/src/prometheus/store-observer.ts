import type { StoreEventName, StoreEvents } from '../events/events.ts';
import type { StoreStats } from '../public/stats.ts';
import type { HistogramName } from './metric-list.ts';
import { ERROR_REASONS, type ErrorReason, type Observed } from './observed.ts';

/** What metrics need of a store, or of whatever stands before one. */
export interface ObservedStore {
  /** Its name among others, unless `labels` tells them apart. */
  readonly location?: string;
  stats(): StoreStats;
  on<N extends StoreEventName>(name: N, listener: (details: StoreEvents[N]) => void): unknown;
  off<N extends StoreEventName>(name: N, listener: (details: StoreEvents[N]) => void): unknown;
}

/** Listens to a store until it is closed, or `stop`. */
export class StoreObserver implements Observed {
  readonly errors: Record<ErrorReason, number> = noErrors();
  writesStopped = false;
  healing = false;
  readonly store: ObservedStore;
  #offs: (() => void)[] = [];

  constructor(
    store: ObservedStore,
    observe: (name: HistogramName, durationMs: number, label?: string) => void,
    onClosed: () => void,
  ) {
    this.store = store;
    this.#on('memtable-installed', ({ durationMs }) => observe('rotation', durationMs));
    this.#on('flush-finished', ({ durationMs }) => observe('flush', durationMs));
    this.#on('compaction-finished', ({ durationMs, outputLevel }) =>
      observe('compaction', durationMs, String(outputLevel)),
    );
    this.#on('stall-end', ({ durationMs, reason }) => observe('stall', durationMs, reason));
    this.#count('rotation-failed', 'rotation');
    this.#count('flush-failed', 'flush');
    this.#count('compaction-failed', 'compaction');
    this.#count('clear-failed', 'clear');
    this.#count('ingest-failed', 'ingest');
    this.#count('cleanup-failed', 'cleanup');
    this.#count('thread-revoked', 'thread');
    this.#on('healing-started', () => {
      this.errors.journal++;
      this.healing = true;
    });
    this.#on('writes-stopped', () => {
      this.errors['writes-stopped']++;
      this.healing = false;
      this.writesStopped = true;
    });
    this.#on('healed', () => {
      this.healing = false;
      this.writesStopped = false;
    });
    this.#on('closed', onClosed);
  }

  stop(): void {
    for (const off of this.#offs.splice(0)) off();
  }

  #count(name: StoreEventName, reason: ErrorReason): void {
    this.#on(name, () => {
      this.errors[reason]++;
    });
  }

  #on<N extends StoreEventName>(name: N, listener: (details: StoreEvents[N]) => void): void {
    this.store.on(name, listener);
    this.#offs.push(() => this.store.off(name, listener));
  }
}

function noErrors(): Record<ErrorReason, number> {
  return Object.fromEntries(ERROR_REASONS.map((reason) => [reason, 0])) as Record<ErrorReason, number>;
}
