/**
 * The manifest in force: appends edits to it and rolls over to a new one.
 *
 * An append or a sync that failed has an unknown outcome. Nothing is appended to that manifest any more; the next
 * edit goes into a new, whole one, and until that is in force no file may be deleted that either outcome needs
 * (`isHealthy`). A roll-over that fails before CURRENT is switched leaves everything as it was; one that fails
 * while it is switched leaves both manifests in place, since a crash may find either in force.
 *
 * One edit at a time; the owner sees to that.
 */
import { MIB } from '@arena-level/common/base/limits';
import { type Steps, wait } from '@arena-level/common/base/steps';
import { manifestFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { bestEffort } from './best-effort.ts';
import { switchCurrent, writeCurrentTemp } from './current-file.ts';
import { ManifestWriter } from './manifest-writer.ts';
import { encodeVersionEdit, type VersionEdit } from './version-edit.ts';

/** Size at which a new manifest is begun, or twice the size the last one began with if that is more. */
export const DEFAULT_MAX_MANIFEST_BYTES: number = 64 * MIB;

/** What is announced, each as soon as it is done. */
export type ManifestStep =
  | { readonly step: 'manifest-created'; readonly manifest: number }
  | { readonly step: 'edit-appended'; readonly manifest: number; readonly bytes: number }
  | { readonly step: 'manifest-synced'; readonly manifest: number }
  | { readonly step: 'directory-synced' }
  | { readonly step: 'current-switched'; readonly manifest: number }
  | { readonly step: 'manifest-removed'; readonly manifest: number }
  /** A manifest no longer in force could not be removed: the next open does. */
  | { readonly step: 'manifest-left-over'; readonly manifest: number; readonly error: unknown };

export interface ManifestLogOptions {
  readonly maxBytes: number;
  readonly onStep: (step: ManifestStep) => void;
}

export class ManifestLog {
  readonly #storage: Storage;
  readonly #options: ManifestLogOptions;
  #writer: ManifestWriter | undefined;
  #snapshotBytes = 0;
  /** An append, a sync or a switch failed, or an edit is missing, and no new manifest is in force yet. */
  #hasFailed = false;
  /** Manifests that a new one replaces: that in force, and those a failed switch may have put in force. */
  #replaceable: number[];

  /** `inForce`: the manifest that CURRENT names, to be replaced by the first edit; undefined in a new store. */
  constructor(storage: Storage, inForce: number | undefined, options: ManifestLogOptions) {
    this.#storage = storage;
    this.#options = options;
    this.#replaceable = inForce === undefined ? [] : [inForce];
  }

  /** False: which edits are in force is open, and no file may be deleted. */
  get isHealthy(): boolean {
    return !this.#hasFailed;
  }

  /** Number and size of the open manifest; undefined before the first edit. */
  get open(): { readonly number: number; readonly sizeBytes: number } | undefined {
    return this.#writer;
  }

  /** File numbers of manifests that may be in force. */
  get manifests(): readonly number[] {
    return this.#replaceable;
  }

  /** True when the next edit has to come as a whole new manifest. */
  get needsRoll(): boolean {
    const writer = this.#writer;
    if (writer === undefined || this.#hasFailed) return true;
    return writer.sizeBytes >= Math.max(this.#options.maxBytes, 2 * this.#snapshotBytes);
  }

  /** An edit has become a fact without being here: the next one comes as a whole new manifest. */
  distrust(): void {
    this.#hasFailed = true;
  }

  /** Makes an edit durable in the open manifest. REQUIRES: !needsRoll. */
  *append(edit: VersionEdit): Steps<void> {
    const writer = this.#writer!;
    try {
      yield* this.#write(writer, edit);
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }

  /** Puts a new manifest in force, under `number`, with `snapshot` as its only edit: the whole state. */
  *roll(number: number, snapshot: VersionEdit): Steps<void> {
    const writer = yield* this.#writeManifest(number, snapshot);
    try {
      yield* switchCurrent(this.#storage, number);
    } catch (error) {
      this.#hasFailed = true;
      this.#replaceable.push(number);
      bestEffort(() => writer.closeNow());
      throw error;
    }
    this.#options.onStep({ step: 'current-switched', manifest: number });
    const replaced = this.#replaceable;
    this.#replaceable = [number];
    this.#writer?.closeNow();
    this.#writer = writer;
    this.#snapshotBytes = writer.sizeBytes;
    this.#hasFailed = false;
    for (const old of replaced) yield* this.#remove(old);
  }

  closeNow(): void {
    this.#writer?.closeNow();
    this.#writer = undefined;
  }

  /** Everything up to the switch: a failure leaves no trace. */
  *#writeManifest(number: number, snapshot: VersionEdit): Steps<ManifestWriter> {
    const storage = this.#storage;
    const desc = manifestFile(number);
    const writer = new ManifestWriter(storage.createNow(desc));
    this.#options.onStep({ step: 'manifest-created', manifest: number });
    try {
      yield* this.#write(writer, snapshot);
      yield* wait(
        () => storage.syncDirectoryNow(),
        () => storage.syncDirectory(),
      );
      this.#options.onStep({ step: 'directory-synced' });
      yield* writeCurrentTemp(storage, number, number);
    } catch (error) {
      bestEffort(() => writer.closeNow());
      bestEffort(() => storage.removeNow(desc));
      throw error;
    }
    return writer;
  }

  *#write(writer: ManifestWriter, edit: VersionEdit): Steps<void> {
    const { onStep } = this.#options;
    const encoded = encodeVersionEdit(edit);
    yield* writer.append(encoded);
    onStep({ step: 'edit-appended', manifest: writer.number, bytes: encoded.length });
    yield* writer.sync();
    onStep({ step: 'manifest-synced', manifest: writer.number });
  }

  *#remove(manifest: number): Steps<void> {
    const storage = this.#storage;
    try {
      yield* wait(
        () => storage.removeNow(manifestFile(manifest)),
        () => storage.remove(manifestFile(manifest)),
      );
      this.#options.onStep({ step: 'manifest-removed', manifest });
    } catch (error) {
      this.#options.onStep({ step: 'manifest-left-over', manifest, error });
    }
  }
}

/** Removes what a crash while a store was being created left behind. REQUIRES: there is no CURRENT. */
export function removeUnfinishedManifestNow(storage: Storage, number: number): void {
  storage.removeNow(manifestFile(number));
  storage.removeNow(tempFile(number));
}
