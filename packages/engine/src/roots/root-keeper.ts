import { corruption } from '@arena-level/common/base/errors';
import { runLater, type Steps } from '@arena-level/common/base/steps';
import { fileName, manifestFile, ROOTS_FILE, tableFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { statedRootOf } from '@arena-level/common/table/stated-root';
import type { EventSink } from '../events/event-sink.ts';
import type { Version } from '../version/version.ts';
import type { VersionSet } from '../version/version-set.ts';
import { MasterRootTracker } from './master-root-tracker.ts';
import { type RootsContents, RootsFile, readRoots } from './roots-file.ts';

/** What is known of a MasterRoot. */
export interface KnownMasterRoot {
  readonly root: Uint8Array<ArrayBuffer>;
  readonly sequence: number;
  readonly tables: number;
}

export interface RootKeeperModules {
  readonly storage: Storage;
  readonly versions: VersionSet;
  readonly events: EventSink;
}

/**
 * Keeps the roots of tables and the MasterRoot over them: learns them from flushes and from `arena.roots`, renews
 * the MasterRoot with every version whose tables are all known, and records it.
 *
 * The side file is never needed: when it cannot be written that is reported, and the next commit writes it anew.
 */
export class RootKeeper {
  readonly #modules: RootKeeperModules;
  readonly #tracker: MasterRootTracker;
  /** Absent where nothing is recorded. */
  readonly #file: RootsFile | undefined;
  /** Tables that other implementations wrote, or that cannot be read: they are not asked again. */
  readonly #stateNothing = new Set<number>();

  constructor(modules: RootKeeperModules, tracker: MasterRootTracker, file: RootsFile | undefined) {
    this.#modules = modules;
    this.#tracker = tracker;
    this.#file = file;
  }

  /**
   * Reads `arena.roots`. Where its last record names exactly the version that was recovered, that version must have
   * the recorded MasterRoot: anything else is damage. So is a manifest that has lost its end since. Otherwise (a crash came in between, LevelDB has written
   * since) what it says of tables is taken as known where the tables still exist.
   */
  static async open(modules: RootKeeperModules): Promise<RootKeeper> {
    const { storage, versions } = modules;
    const contents = await runLater(readRoots(storage));
    const tracker = knownRoots(versions, contents);
    const file = new RootsFile(storage, contents, { newFileNumber: () => versions.newFileNumber() });
    return new RootKeeper(modules, tracker, file);
  }

  /**
   * The same for somebody who only reads, beside a writer perhaps. `contents` were read before the manifest: what they
   * say is never newer than that.
   */
  static forReading(modules: RootKeeperModules, contents: RootsContents): RootKeeper {
    return new RootKeeper(modules, knownRoots(modules.versions, contents), undefined);
  }

  /** States the root of a table. False when it contradicts what is known. */
  learn(table: number, root: Uint8Array): boolean {
    return this.#tracker.setRoot(table, root);
  }

  rootOf(table: number): Uint8Array | undefined {
    return this.#tracker.rootOf(table);
  }

  forget(table: number): void {
    this.#stateNothing.delete(table);
    this.#tracker.forget(table);
  }

  /** The MasterRoot of a version, or undefined while a table's root is not known. */
  masterRootOf(version: Version, sequence: number): KnownMasterRoot | undefined {
    if (this.#tracker.missing(version).length > 0) return undefined;
    return { root: new Uint8Array(this.#tracker.compute(version)), sequence, tables: version.tableCount };
  }

  /** After a flush: what tables state of themselves is read where it is not known yet, then `renew`. */
  *renewWithStated(version: Version, sequence: number): Steps<void> {
    for (const { number } of this.#tracker.missing(version)) {
      if (!this.#stateNothing.has(number)) yield* this.#learnStated(number);
    }
    yield* this.renew(version, sequence);
  }

  *#learnStated(table: number): Steps<void> {
    const { storage } = this.#modules;
    try {
      const file = storage.openReadNow(tableFile(table));
      try {
        const stated = yield* statedRootOf(file);
        if (stated === undefined) this.#stateNothing.add(table);
        else this.learn(table, stated.root);
      } finally {
        file.closeNow();
      }
    } catch {
      // Whoever reads the table hears of it; the MasterRoot waits for `masterRoot()`.
      this.#stateNothing.add(table);
    }
  }

  /** After a commit: renews the MasterRoot and records it, if all roots are known. Never fails: see the class. */
  *renew(version: Version, sequence: number): Steps<void> {
    const { versions, events } = this.#modules;
    const known = this.masterRootOf(version, sequence);
    const file = this.#file;
    const { manifest } = versions;
    if (known === undefined || manifest === undefined || file === undefined) return;
    const committed = {
      manifestNumber: manifest.number,
      manifestBytes: manifest.sizeBytes,
      lastSequence: sequence,
      masterRoot: known.root,
    };
    const tables = version.levels
      .flat()
      .map(({ number }) => ({ number, root: this.#tracker.rootOf(number)! }));
    try {
      yield* file.append(committed, tables);
    } catch (error) {
      events.emit('cleanup-failed', { file: fileName(ROOTS_FILE), error: error as Error });
    }
    events.emit('master-root-renewed', {
      root: Buffer.from(known.root).toString('hex'),
      sequence,
      tables: known.tables,
    });
  }

  closeNow(): void {
    this.#file?.closeNow();
  }
}

/** See `RootKeeper.open`. */
function knownRoots(versions: VersionSet, contents: RootsContents): MasterRootTracker {
  const tracker = new MasterRootTracker();
  const live = new Set(versions.current.levels.flat().map((table) => table.number));
  const { number, sizeBytes, lastSequence } = versions.recovered;
  const { last } = contents;
  if (last !== undefined && last.manifestNumber === number && last.manifestBytes > sizeBytes) {
    throw corruption(
      `it ends here, and a version is on record that it made with ${last.manifestBytes} bytes`,
      fileName(manifestFile(number)),
      sizeBytes,
    );
  }
  const namesRecovered =
    last !== undefined &&
    last.manifestNumber === number &&
    last.manifestBytes === sizeBytes &&
    last.lastSequence === lastSequence;
  for (const [table, root] of contents.tableRoots) if (live.has(table)) tracker.setRoot(table, root);
  if (namesRecovered) {
    const { current } = versions;
    if (
      tracker.missing(current).length === 0 &&
      Buffer.compare(tracker.compute(current), last.masterRoot) !== 0
    ) {
      throw corruption(
        `the tables of ${fileName(manifestFile(number))} do not have the MasterRoot that was recorded for them`,
        fileName(ROOTS_FILE),
      );
    }
  }
  return tracker;
}
