import { RELAYED_EVENTS } from './event-relay.ts';
import { TWINS } from './twins.ts';

/** What an ArenaLevel supports, in the terms of level-supports. The floor is what classic-level declares. */
export const MANIFEST = {
  encodings: { buffer: true, utf8: true, view: true },
  has: true,
  getSync: true,
  createIfMissing: true,
  errorIfExists: true,
  explicitSnapshots: true,
  signals: { iterators: true },
  events: Object.fromEntries(RELAYED_EVENTS.map((name) => [name, true])) as Record<string, boolean>,
  additionalMethods: {
    approximateSize: true,
    compactRange: true,
    getProperty: true,
    flush: true,
    masterRoot: true,
    verify: true,
    checkpoint: true,
    stats: true,
    settled: true,
    resume: true,
    ...TWINS,
  } as Record<string, boolean>,
};
