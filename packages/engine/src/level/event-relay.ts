import type { EventEmitter } from 'node:events';
import type { Store } from '../db/store.ts';
import { isStoreEvent, STORE_EVENT_NAMES, type StoreEventName } from '../events/events.ts';

/** The engine's events, by name. `closed` is abstract-level's own, emitted when all is done. */
export type RelayedEventName = Exclude<StoreEventName, 'closed'>;

export const RELAYED_EVENTS: readonly RelayedEventName[] = STORE_EVENT_NAMES.filter(
  (name): name is RelayedEventName => name !== 'closed',
);

/**
 * Emits the events of whatever store a database has open as events of the database: those that somebody listens to,
 * since the engine spares itself the others.
 */
export class EventRelay {
  readonly #database: EventEmitter;
  readonly #relays = new Map<RelayedEventName, (details: unknown) => void>();
  #store: Store | undefined;

  constructor(database: EventEmitter) {
    this.#database = database;
    database.on('newListener', (name) => this.#begin(name));
    database.on('removeListener', (name) => this.#end(name));
  }

  /** The database is over this store now. */
  attach(store: Store): void {
    this.#store = store;
    for (const [name, relay] of this.#relays) store.on(name, relay);
  }

  #begin(name: unknown): void {
    if (!isRelayed(name) || this.#relays.has(name)) return;
    const relay = (details: unknown): void => {
      this.#database.emit(name, details);
    };
    this.#relays.set(name, relay);
    this.#store?.on(name, relay);
  }

  #end(name: unknown): void {
    if (!isRelayed(name) || this.#database.listenerCount(name) > 0) return;
    const relay = this.#relays.get(name);
    this.#relays.delete(name);
    if (relay !== undefined) this.#store?.off(name, relay);
  }
}

function isRelayed(name: unknown): name is RelayedEventName {
  return isStoreEvent(name) && name !== 'closed';
}
