/** What the databases support, in the terms of level-supports. The floor is what classic-level declares. */
import type { Manifest } from './base-classes.ts';
import { RELAYED_EVENTS } from './event-relay.ts';
import { TWINS } from './twins.ts';

const EVERYWHERE = {
  encodings: { buffer: true, utf8: true, view: true },
  has: true,
  getSync: true,
  explicitSnapshots: true,
  signals: { iterators: true },
};

const METHODS: Readonly<Record<string, boolean>> = {
  approximateSize: true,
  compactRange: true,
  flush: true,
  masterRoot: true,
  verify: true,
  checkpoint: true,
  ...TWINS,
};

/** Methods that only the thread has that has the store open. */
export const OWNER_METHODS = ['getProperty', 'ingest', 'stats', 'settled', 'resume', 'share'] as const;

/** Of an `ArenaLevel`. */
export const MANIFEST: Manifest = {
  ...EVERYWHERE,
  createIfMissing: true,
  errorIfExists: true,
  events: trueFor(RELAYED_EVENTS),
  additionalMethods: { ...METHODS, ...trueFor(OWNER_METHODS) },
};

/** Of an `AttachedLevel`. */
export const ATTACHED_MANIFEST: Manifest = { ...EVERYWHERE, additionalMethods: { ...METHODS } };

function trueFor(names: readonly string[]): Record<string, boolean> {
  return Object.fromEntries(names.map((name) => [name, true]));
}
