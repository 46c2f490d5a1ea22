import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { checkCallOptions } from '../options/call-options.ts';
import { OPEN_OPTIONS } from '../options/options.ts';
import { ATTACH_OPTIONS, type AttachOptions, attach } from '../threads/attached/attach.ts';
import type { AttachedStore } from '../threads/attached/attached-store.ts';
import { checkHandle, type ThreadHandle } from '../threads/control/handle.ts';
import type { StoreControl } from '../threads/control/store-control.ts';
import { EngineLevel } from './engine-level.ts';
import { RELAYED_EVENTS } from './event-relay.ts';
import { checkIsObject } from './level-options.ts';
import type { AttachedDatabaseOptions, AttachedOpenOptions } from './level-types.ts';
import { ATTACHED_MANIFEST, OWNER_METHODS } from './manifest.ts';

/** What abstract-level's `open` adds by itself, whatever was given. */
const DEFAULTED: readonly string[] = ['createIfMissing', 'errorIfExists'];

/**
 * The database of another thread in this one: an abstract-level database over a handle that `share()` gave there, with encodings,
 * sublevels, iterators, snapshots, hooks and the blocking twins of `ArenaLevel`, and the same answers. Encodings are this thread's
 * own: give it those of the owner.
 *
 * It opens by itself, which attaches the thread; once: a handle is good for one open. `close` detaches the thread and leaves the
 * database of the owner open. When the owner closes, or its thread ends, this database closes, too.
 *
 * What belongs to the owner fails with LEVEL_NOT_SUPPORTED: options of its store, `stats` (there is `control.stats`), `ingest`,
 * `share`, `settled`, `resume`, `getProperty`, and listeners of the engine's events. Listeners of `write` and `clear` hear of what
 * this database does, and of nothing else.
 */
export class AttachedLevel<KDefault = string, VDefault = string> extends EngineLevel<
  AttachedStore,
  AttachedOpenOptions,
  KDefault,
  VDefault
> {
  readonly #handle: ThreadHandle;

  /**
   * Throws what `attach` throws for what is no handle, or one of another release, and for wrong options; whatever else `attach` may
   * refuse is the `cause` of the LEVEL_DATABASE_NOT_OPEN with which `open` rejects.
   */
  constructor(handle: ThreadHandle, options?: AttachedDatabaseOptions<KDefault, VDefault>) {
    checkHandle(handle);
    const given = options ?? {};
    checkIsObject(given);
    refuseOwnersOptions(given, []);
    checkCallOptions('attach', attachOptions(given), ATTACH_OPTIONS);
    super(ATTACHED_MANIFEST, given);
    this.#handle = handle;
    this.on('newListener', refuseOwnersEvents);
  }

  /** The directory of the store. */
  get location(): string {
    return this.#handle.location;
  }

  /** What is rare, and done by the thread that has the store open; keys are bytes. Throws LEVEL_DATABASE_NOT_OPEN before the open. */
  get control(): StoreControl {
    return this.openStore('control').control;
  }

  /** The handle that an open uses up. Whoever can get more of them for the same store overrides it. */
  protected nextHandle(): ThreadHandle {
    return this.#handle;
  }

  protected override openOver(options: AttachedOpenOptions): AttachedStore {
    refuseOwnersOptions(options, DEFAULTED);
    const store = attach(this.nextHandle(), attachOptions(options));
    void store.closed.then(() => this.#left(store));
    return store;
  }

  protected override controlOf(store: AttachedStore): StoreControl {
    return store.control;
  }

  /** The store is closed: not by this database, if it is still open. */
  #left(store: AttachedStore): void {
    if (this.status !== 'open' || this.openStore('close') !== store) return;
    // Whoever closes it himself hears what could not be closed.
    this.close().catch(() => {});
  }
}

function attachOptions(options: AttachOptions): AttachOptions {
  const picked: Record<string, unknown> = {};
  for (const name of Object.keys(ATTACH_OPTIONS) as (keyof AttachOptions)[]) {
    if (options[name] !== undefined) picked[name] = options[name];
  }
  return picked;
}

/** Other names are left alone, as by an ArenaLevel: hooks may have their own. */
function refuseOwnersOptions(options: object, defaulted: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(ATTACH_OPTIONS, name) || defaulted.includes(name)) continue;
    if ((OPEN_OPTIONS as ReadonlySet<string>).has(name)) throw ownersAlone(`option '${name}'`);
  }
}

function refuseOwnersEvents(name: string | symbol): void {
  if ((RELAYED_EVENTS as readonly unknown[]).includes(name)) throw ownersAlone(`event '${String(name)}'`);
}

for (const name of OWNER_METHODS) {
  Object.defineProperty(AttachedLevel.prototype, name, {
    configurable: true,
    writable: true,
    value: (): never => {
      throw ownersAlone(`${name}()`);
    },
  });
}

function ownersAlone(what: string): EngineError {
  return new EngineError(
    ErrorCode.NotSupported,
    `${what} is for the thread that has the database open, not for one that is attached to it`,
  );
}
