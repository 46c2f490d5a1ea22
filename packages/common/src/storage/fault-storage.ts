/**
 * A storage whose operations fail by plan, for tests. Wraps any other one.
 *
 * An operation counts when it is called, blocking or not; what came of it is noted when it ends.
 */
import { FaultControl, throwInjected } from './fault-control.ts';
import { FaultReadableFile, FaultWritableFile } from './fault-file.ts';
import type { FaultPlan, StorageOperation } from './fault-plan.ts';
import { type FileDesc, type FileType, fileName } from './file-desc.ts';
import type { ReadableFile, Storage, WritableFile } from './storage.ts';
import type { StorageSpec } from './storage-spec.ts';
import { formatTrace, type StorageEvent } from './storage-trace.ts';
import { meansCopy } from './system-error.ts';

export class FaultStorage implements Storage {
  readonly location: string;
  readonly #inner: Storage;
  readonly #control: FaultControl;
  #plan: FaultPlan;

  constructor(inner: Storage, plan: FaultPlan = { rules: [] }) {
    this.location = inner.location;
    this.#inner = inner;
    this.#control = new FaultControl(plan);
    this.#plan = plan;
  }

  get spec(): StorageSpec | undefined {
    const inner = this.#inner.spec;
    return inner === undefined ? undefined : { kind: 'fault', directory: inner.directory, plan: this.#plan };
  }

  /** Follows another plan from now on, whose rules count from here. */
  install(plan: FaultPlan): void {
    this.#plan = plan;
    this.#control.install(plan);
  }

  /** How many of these there were so far, failed ones included. */
  countOf(operation: StorageOperation, type?: FileType): number {
    return this.#control.countOf(operation, type);
  }

  /** How many operations failed by plan so far. */
  get firedCount(): number {
    return this.#control.fired;
  }

  /** What changed files or made changes durable, with how it ended. */
  get events(): readonly StorageEvent[] {
    return this.#control.events;
  }

  /** `events` as text; see `formatTrace`. */
  get transcript(): string {
    return formatTrace(this.#control.events);
  }

  listNow(): FileDesc[] {
    const rule = this.#control.next('list');
    if (rule !== undefined) throwInjected(rule, 'listing', this.location);
    return this.#inner.listNow();
  }

  sizeNow(file: FileDesc): number | undefined {
    this.#count('size', 'measuring', file);
    return this.#inner.sizeNow(file);
  }

  createNow(file: FileDesc): WritableFile {
    return this.#control.now({ operation: 'create', file: fileName(file) }, () => {
      this.#count('create', 'creating', file);
      return new FaultWritableFile(this.#inner.createNow(file), this.#control);
    });
  }

  openWriteNow(file: FileDesc): WritableFile {
    this.#count('open-write', 'opening', file);
    return new FaultWritableFile(this.#inner.openWriteNow(file), this.#control);
  }

  openReadNow(file: FileDesc): ReadableFile {
    this.#count('open-read', 'opening', file);
    return new FaultReadableFile(this.#inner.openReadNow(file), this.#control);
  }

  async openRead(file: FileDesc): Promise<ReadableFile> {
    this.#count('open-read', 'opening', file);
    return new FaultReadableFile(await this.#inner.openRead(file), this.#control);
  }

  readAllNow(file: FileDesc, limitBytes: number): Uint8Array<ArrayBuffer> {
    this.#count('open-read', 'opening', file);
    this.#count('read', 'reading', file);
    return this.#inner.readAllNow(file, limitBytes);
  }

  renameNow(from: FileDesc, to: FileDesc): void {
    this.#control.now({ operation: 'rename', file: fileName(from), to: fileName(to) }, () => {
      const rule = this.#control.next('rename', to.type);
      if (rule !== undefined) throwInjected(rule, 'renaming', fileName(from));
      this.#inner.renameNow(from, to);
    });
  }

  async linkTable(source: StorageSpec | undefined, file: FileDesc): Promise<boolean> {
    return this.#control.later({ operation: 'link', file: fileName(file) }, async () => {
      const rule = this.#control.next('link', file.type);
      if (rule !== undefined && meansCopy(rule.errno)) return false;
      if (rule !== undefined) throwInjected(rule, 'linking', fileName(file));
      return this.#inner.linkTable(source, file);
    });
  }

  removeNow(file: FileDesc): void {
    this.#control.now({ operation: 'remove', file: fileName(file) }, () => {
      this.#count('remove', 'removing', file);
      this.#inner.removeNow(file);
    });
  }

  async remove(file: FileDesc): Promise<void> {
    return this.#control.later({ operation: 'remove', file: fileName(file) }, async () => {
      this.#count('remove', 'removing', file);
      await this.#inner.remove(file);
    });
  }

  quarantineNow(file: FileDesc): string {
    const name = fileName(file);
    const event = { operation: 'quarantine', file: name, to: `lost/${name}` } as const;
    return this.#control.now(event, () => {
      this.#count('quarantine', 'quarantining', file);
      return this.#inner.quarantineNow(file);
    });
  }

  emptyLostNow(): string[] {
    return this.#control.now({ operation: 'remove', file: 'lost/' }, () => {
      const rule = this.#control.next('remove');
      if (rule !== undefined) throwInjected(rule, 'emptying', 'lost');
      return this.#inner.emptyLostNow();
    });
  }

  syncDirectoryNow(): void {
    this.#control.now({ operation: 'sync-directory' }, () => {
      this.#countDirectorySync();
      this.#inner.syncDirectoryNow();
    });
  }

  async syncDirectory(): Promise<void> {
    return this.#control.later({ operation: 'sync-directory' }, async () => {
      this.#countDirectorySync();
      await this.#inner.syncDirectory();
    });
  }

  closeNow(): void {
    this.#inner.closeNow();
  }

  #count(operation: StorageOperation, action: string, file: FileDesc): void {
    const rule = this.#control.next(operation, file.type);
    if (rule !== undefined) throwInjected(rule, action, fileName(file));
  }

  #countDirectorySync(): void {
    const rule = this.#control.next('sync-directory');
    if (rule !== undefined) throwInjected(rule, 'syncing directory', this.location);
  }
}
