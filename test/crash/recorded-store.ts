import type { Clock } from '@arena-level/common/base/clock';
import type { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { type OpenModules, type OpenOptions, open, type Store } from 'arena-level/engine';
import { bytes } from '../support/text-bytes.ts';
import { type Change, History } from './history.ts';

export interface RecordedStoreModules {
  /** Where the trace is kept. */
  readonly memory: MemoryStorage;
  /** What the store works on: `memory`, or something around it. */
  readonly storage?: Storage;
  readonly clock: Clock;
  /** What builds its tables. Default: what the options say. */
  readonly executor?: OpenModules['executor'];
  /** What earlier lives of the store have left. Default: nothing. */
  readonly history?: History;
}

/** A store on a `MemoryStorage`, whose writes and promises go into a `History`. */
export class RecordedStore {
  readonly history: History;
  readonly #options: OpenOptions;
  readonly #modules: RecordedStoreModules;
  #store: Store | undefined;

  constructor(options: OpenOptions, modules: RecordedStoreModules) {
    this.#options = options;
    this.#modules = modules;
    this.history = modules.history ?? new History();
  }

  /** The open store. */
  get store(): Store {
    return this.#store!;
  }

  /** The moment, as `History` counts it. */
  get position(): number {
    return this.#modules.memory.trace.entries.length;
  }

  /** What was recovered is durable when the store is open. */
  async open(): Promise<void> {
    const { memory, storage = memory, clock, executor } = this.#modules;
    const modules = executor === undefined ? { storage, clock } : { storage, clock, executor };
    this.#store = await open(memory.location, this.#options, modules);
    this.history.durable(this.history.operations.length, this.position);
  }

  put(key: string, value: string, sync = false): Promise<void> {
    return this.#record([{ key, value }], sync, () => this.store.put(bytes(key), bytes(value), { sync }));
  }

  del(key: string, sync = false): Promise<void> {
    return this.#record([{ key, value: undefined }], sync, () => this.store.del(bytes(key), { sync }));
  }

  batch(changes: readonly Change[], sync = false): Promise<void> {
    return this.#record(changes, sync, () => this.store.batch(changes.map(toOperation), { sync }));
  }

  putSync(key: string, value: string, sync = false): void {
    this.#recordNow([{ key, value }], sync, () => this.store.putSync(bytes(key), bytes(value), { sync }));
  }

  delSync(key: string, sync = false): void {
    this.#recordNow([{ key, value: undefined }], sync, () => this.store.delSync(bytes(key), { sync }));
  }

  batchSync(changes: readonly Change[], sync = false): void {
    this.#recordNow(changes, sync, () => this.store.batchSync(changes.map(toOperation), { sync }));
  }

  async flush(): Promise<void> {
    const covered = this.history.operations.length;
    await this.store.flush();
    this.history.durable(covered, this.position);
  }

  async close(): Promise<void> {
    const covered = this.history.operations.length;
    await this.store.close();
    this.history.durable(covered, this.position);
  }

  /** Never rejects: a write that failed is entered as failed. */
  async #record(changes: readonly Change[], sync: boolean, write: () => Promise<void>): Promise<void> {
    const operation = this.history.issue(changes, this.position);
    try {
      await write();
    } catch {
      this.history.failed(operation);
      return;
    }
    this.#promised(operation, sync);
  }

  #recordNow(changes: readonly Change[], sync: boolean, write: () => void): void {
    const operation = this.history.issue(changes, this.position);
    write();
    this.#promised(operation, sync);
  }

  #promised(operation: number, sync: boolean): void {
    if (sync) this.history.durable(operation + 1, this.position);
    else this.history.acknowledged(operation, this.position);
  }
}

function toOperation({ key, value }: Change) {
  return value === undefined
    ? { type: 'del' as const, key: bytes(key) }
    : { type: 'put' as const, key: bytes(key), value: bytes(value) };
}
