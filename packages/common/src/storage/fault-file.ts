import { type FaultControl, throwInjected } from './fault-control.ts';
import type { FaultRule } from './fault-plan.ts';
import { type FileDesc, fileName } from './file-desc.ts';
import type { SyncLosing } from './memory-file.ts';
import type { ReadableFile, WritableFile } from './storage.ts';
import type { StorageEvent } from './storage-trace.ts';

export class FaultWritableFile implements WritableFile {
  readonly file: FileDesc;
  readonly #inner: WritableFile & Partial<SyncLosing>;
  readonly #control: FaultControl;
  readonly #name: string;

  constructor(inner: WritableFile & Partial<SyncLosing>, control: FaultControl) {
    this.file = inner.file;
    this.#inner = inner;
    this.#control = control;
    this.#name = fileName(inner.file);
  }

  writeNow(bytes: Uint8Array, start: number, end: number, position: number): number {
    const rule = this.#control.next('write', this.file.type);
    return this.#control.now(this.#writeEvent(start, end, position), () => {
      const stop = this.#writeStop(rule, start, end);
      return this.#written(rule, this.#inner.writeNow(bytes, start, stop, position));
    });
  }

  async write(bytes: Uint8Array, start: number, end: number, position: number): Promise<number> {
    const rule = this.#control.next('write', this.file.type);
    return this.#control.later(this.#writeEvent(start, end, position), async () => {
      const stop = this.#writeStop(rule, start, end);
      return this.#written(rule, await this.#inner.write(bytes, start, stop, position));
    });
  }

  syncNow(): void {
    const rule = this.#control.next('sync', this.file.type);
    this.#control.now({ operation: 'sync', file: this.#name }, () => {
      if (rule !== undefined) this.#failSync(rule);
      this.#inner.syncNow();
    });
  }

  async sync(): Promise<void> {
    const rule = this.#control.next('sync', this.file.type);
    return this.#control.later({ operation: 'sync', file: this.#name }, async () => {
      if (rule !== undefined) this.#failSync(rule);
      await this.#inner.sync();
    });
  }

  truncateNow(size: number): void {
    const rule = this.#control.next('truncate', this.file.type);
    this.#control.now({ operation: 'truncate', file: this.#name, size }, () => {
      if (rule !== undefined) throwInjected(rule, 'truncating', this.#name);
      this.#inner.truncateNow(size);
    });
  }

  closeNow(): void {
    this.#inner.closeNow();
  }

  #writeEvent(start: number, end: number, position: number): StorageEvent {
    return { operation: 'write', file: this.#name, position, length: end - start };
  }

  /** Where a write ends that a rule may cut in half; throws when the rule lets none of it through. */
  #writeStop(rule: FaultRule | undefined, start: number, end: number): number {
    if (rule === undefined) return end;
    if (rule.effect === 'short-write' || rule.effect === 'torn-write')
      return start + Math.floor((end - start) / 2);
    return throwInjected(rule, 'writing', this.#name);
  }

  #written(rule: FaultRule | undefined, count: number): number {
    return rule?.effect === 'torn-write' ? throwInjected(rule, 'writing', this.#name) : count;
  }

  #failSync(rule: FaultRule): never {
    if (rule.effect === 'lost-sync') this.#inner.loseUnsynced?.();
    return throwInjected(rule, 'syncing', this.#name);
  }
}

export class FaultReadableFile implements ReadableFile {
  readonly file: FileDesc;
  readonly size: number;
  readonly #inner: ReadableFile;
  readonly #control: FaultControl;

  constructor(inner: ReadableFile, control: FaultControl) {
    this.file = inner.file;
    this.size = inner.size;
    this.#inner = inner;
    this.#control = control;
  }

  readNow(target: Uint8Array, start: number, length: number, position: number): number {
    this.#countRead();
    return this.#inner.readNow(target, start, length, position);
  }

  async read(target: Uint8Array, start: number, length: number, position: number): Promise<number> {
    this.#countRead();
    return this.#inner.read(target, start, length, position);
  }

  closeNow(): void {
    this.#inner.closeNow();
  }

  #countRead(): void {
    const rule = this.#control.next('read', this.file.type);
    if (rule !== undefined) throwInjected(rule, 'reading', fileName(this.file));
  }
}
