import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode, hasCode } from '@arena-level/common/base/errors';
import type { Storage } from '@arena-level/common/storage/storage';
import type { SharedBlockCache } from '../../cache/shared/shared-block-cache.ts';
import { SharedCachePlace } from '../../cache/shared/shared-cache-place.ts';
import { checkClearRange } from '../../iterator/clear-range.ts';
import { checkIteratorOptions } from '../../iterator/iterator-options.ts';
import type { StoreIterator } from '../../iterator/store-iterator.ts';
import type { Turns } from '../../iterator/turns.ts';
import type { BatchOperation, ClearRange, ReadOptions, WriteOptions } from '../../public/public-types.ts';
import { checkKeys, checkReadOptions } from '../../read/check-reads.ts';
import { ReadPath, type StoreIteratorReadOptions } from '../../read/read-path.ts';
import type { Snapshot } from '../../read/snapshot-list.ts';
import { RingWriter } from '../../rings/ring-writer.ts';
import { checkKey, wantsSync } from '../../write/check-entries.ts';
import type { ControlBuffer } from '../control/control-buffer.ts';
import { SlotState } from '../control/control-layout.ts';
import type { ThreadReadOptions } from '../control/handle.ts';
import type { OwnerMessage, ThreadMessage, ThreadRing } from '../control/messages.ts';
import type { StoreControl } from '../control/store-control.ts';
import type { ThreadSlot } from '../control/thread-slot.ts';
import { AttachedSnapshots } from './attached-snapshots.ts';
import { HeldTables } from './held-tables.ts';
import { RemoteControl } from './remote-control.ts';
import { storeClosed, ThreadViews } from './thread-views.ts';

export interface AttachedParts {
  readonly control: ControlBuffer;
  readonly slot: ThreadSlot;
  readonly port: MessagePort;
  readonly storage: Storage;
  readonly location: string;
  readonly flushedFrom: number;
  readonly sharedCache: SharedBlockCache | undefined;
  readonly options: ThreadReadOptions;
  readonly clock: Clock;
  readonly turns: Turns;
}

/**
 * A store that another thread has open, in this one: it reads MemDBs from shared memory and tables from disk by itself. The
 * same methods with the same answers as on the `Store`: a read sees every write that was acknowledged, to anyone, before it began,
 * and each batch whole or not at all. Reads wait for no other thread and send no message. Writes go through shared memory to the thread
 * that has the store open; what is acknowledged is what it is there, and the blocking ones block this thread until then.
 *
 * When the store is closed, or the thread that owns it ends, calls fail with LEVEL_DATABASE_NOT_OPEN. Made by `attach`.
 */
export class AttachedStore {
  /** What is rare, and done by the thread that has the store open: `flush`, `compactRange`, `checkpoint`, … */
  readonly control: StoreControl;
  /**
   * Resolves when this thread has let go of the store: it was closed here, or by its owner, or that has ended. Does not keep the
   * thread alive.
   */
  readonly closed: Promise<void>;
  readonly #parts: AttachedParts;
  readonly #views: ThreadViews;
  readonly #snapshots: AttachedSnapshots;
  readonly #reads: ReadPath;
  readonly #remote: RemoteControl;
  /** Both came before anything else. The first write makes a writer of the ring. */
  #ring: ThreadRing | undefined;
  #controlPort: MessagePort | undefined;
  #writer: RingWriter | undefined;
  #whyClosed: EngineError | undefined;
  #closing: Promise<void> | undefined;
  #onClosed: () => void = () => {};

  /** REQUIRES: the slot is this thread's. */
  constructor(parts: AttachedParts) {
    const { control, slot, port, storage, flushedFrom, options, clock, turns } = parts;
    this.#parts = parts;
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    const views = new ThreadViews({
      control,
      slot,
      port,
      clock,
      onObsolete: (table) => this.#reads.evict(table),
      onRing: (ring) => {
        this.#ring = ring;
      },
      onControl: (calls) => {
        this.#controlPort = calls;
      },
    });
    this.#views = views;
    this.#snapshots = new AttachedSnapshots(control, slot, views);
    this.#reads = new ReadPath(
      { ...options, seekCompaction: false },
      {
        storage: new HeldTables(storage, (table) => views.whyLost(table)),
        clock,
        turns,
        memtables: views,
        health: { checkOpen: () => this.#checkOpen() },
        snapshots: this.#snapshots,
        sharedCache: SharedCachePlace.holding(parts.sharedCache),
        lastSequence: () => views.lastSequence,
        flushedFrom,
        onSeeksUsedUp: () => {},
      },
    );
    this.#remote = new RemoteControl({
      checkOpen: () => this.#checkOpen(),
      port: () => this.#takeControlPort(),
      written: async () => await this.#writer?.written(),
    });
    this.control = this.#remote;
    port.on('message', (message: OwnerMessage) => this.#heard(message));
    port.on('close', () => void this.#close(storeClosed()));
    port.unref();
    port.postMessage({ kind: 'attached' } satisfies ThreadMessage);
  }

  /** The directory of the store. */
  get location(): string {
    return this.#parts.location;
  }

  /** Stores a value under a key, replacing the one before. */
  put(key: Uint8Array, value: Uint8Array, options?: WriteOptions): Promise<void> {
    try {
      return this.#writes.put(key, value, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  putSync(key: Uint8Array, value: Uint8Array, options?: WriteOptions): void {
    this.#writes.putSync(key, value, options);
  }

  /** Deletes a key; one that is not there is no error. */
  del(key: Uint8Array, options?: WriteOptions): Promise<void> {
    try {
      return this.#writes.del(key, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  delSync(key: Uint8Array, options?: WriteOptions): void {
    this.#writes.delSync(key, options);
  }

  /** Applies all operations, in their order, or none of them. */
  batch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<void> {
    try {
      return this.#writes.batch(operations, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  batchSync(operations: readonly BatchOperation[], options?: WriteOptions): void {
    this.#writes.batchSync(operations, options);
  }

  /**
   * As `clear` of the store, by the thread that has it open: a message each way. It covers what this thread has issued before, and
   * what was acknowledged to anyone.
   */
  async clear(range: ClearRange = {}, options?: WriteOptions): Promise<void> {
    await this.#remote.clear(checkClearRange(range).asked, wantsSync(options));
  }

  /** The value of a key, or undefined. */
  async get(key: Uint8Array, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer> | undefined> {
    checkKey(key);
    const checked = checkReadOptions(options);
    const answer = await this.#reads.get(key, checked);
    this.#checkSnapshot(checked);
    return answer;
  }

  getSync(key: Uint8Array, options?: ReadOptions): Uint8Array<ArrayBuffer> | undefined {
    checkKey(key);
    const checked = checkReadOptions(options);
    let value: Uint8Array<ArrayBuffer> | undefined;
    try {
      value = this.#reads.getNow(key, checked);
    } catch (error) {
      throwUnlessWorthAnother(error, checked);
      value = this.#reads.getNow(key, checked);
    }
    this.#checkSnapshot(checked);
    return value;
  }

  /** The values of several keys as of one moment, in the order of the keys. */
  async getMany(
    keys: readonly Uint8Array[],
    options?: ReadOptions,
  ): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
    checkKeys('getMany', keys);
    const checked = checkReadOptions(options);
    const answers = await this.#reads.getMany(keys, checked);
    this.#checkSnapshot(checked);
    return answers;
  }

  /** Whether a key has a value. */
  async has(key: Uint8Array, options?: ReadOptions): Promise<boolean> {
    checkKey(key);
    const checked = checkReadOptions(options);
    const answer = await this.#reads.has(key, checked);
    this.#checkSnapshot(checked);
    return answer;
  }

  hasSync(key: Uint8Array, options?: ReadOptions): boolean {
    checkKey(key);
    const checked = checkReadOptions(options);
    let answer: boolean;
    try {
      answer = this.#reads.hasNow(key, checked);
    } catch (error) {
      throwUnlessWorthAnother(error, checked);
      answer = this.#reads.hasNow(key, checked);
    }
    this.#checkSnapshot(checked);
    return answer;
  }

  /** Which of several keys have a value as of one moment, in the order of the keys. */
  async hasMany(keys: readonly Uint8Array[], options?: ReadOptions): Promise<boolean[]> {
    checkKeys('hasMany', keys);
    const checked = checkReadOptions(options);
    const answers = await this.#reads.hasMany(keys, checked);
    this.#checkSnapshot(checked);
    return answers;
  }

  /** Iterates over a range as of now, or of a snapshot. Close it, or iterate it to its end. */
  iterator(options?: StoreIteratorReadOptions): StoreIterator {
    if (options !== undefined) checkIteratorOptions(options);
    const iterator = this.#reads.iterator(options);
    try {
      this.#checkSnapshot(options ?? {});
      return iterator;
    } catch (error) {
      iterator.close();
      throw error;
    }
  }

  /** The store as of now, readable in this thread until it is closed. Holds old versions on disk meanwhile. */
  snapshot(): Snapshot {
    this.#checkOpen();
    return this.#snapshots.open();
  }

  /** As that of the store: what is still in MemDBs does not count. */
  async approximateSize(start: Uint8Array, end: Uint8Array): Promise<number> {
    checkKey(start);
    checkKey(end);
    return await this.#reads.approximateSize(start, end);
  }

  /** Lets go of everything that this thread holds of the store, which stays open. A second call is the same promise. */
  close(): Promise<void> {
    return this.#close(new EngineError(ErrorCode.DatabaseNotOpen, 'the attached store is closed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #close(why: EngineError): Promise<void> {
    this.#whyClosed ??= why;
    this.#closing ??= this.#letGo();
    return this.#closing;
  }

  async #letGo(): Promise<void> {
    const { slot, port, storage } = this.#parts;
    this.#remote.end(this.#whyClosed!);
    await this.#writer?.close();
    await this.#reads.close();
    this.#views.release();
    this.#snapshots.end();
    slot.change(SlotState.Attached, SlotState.Closed);
    if (this.#writer === undefined) this.#ring?.port.close();
    this.#controlPort?.close();
    port.close();
    storage.closeNow();
    this.#onClosed();
  }

  get #writes(): RingWriter {
    this.#checkOpen();
    if (this.#writer !== undefined) return this.#writer;
    if (this.#ring === undefined) this.#views.drain();
    const { memory, port, maxPendingBytes } = this.#ring!;
    const { turns } = this.#parts;
    this.#writer = new RingWriter(memory, port, { maxPendingBytes, onLongWait: () => this.#moveOn(), turns });
    return this.#writer;
  }

  #takeControlPort(): MessagePort {
    if (this.#controlPort === undefined) this.#views.drain();
    const port = this.#controlPort!;
    this.#controlPort = undefined;
    return port;
  }

  #checkOpen(): void {
    if (this.#whyClosed !== undefined) throw this.#whyClosed;
  }

  #checkSnapshot({ snapshot }: { readonly snapshot?: ReadOptions['snapshot'] | undefined }): void {
    if (snapshot !== undefined) this.#snapshots.check(snapshot);
  }

  /** In a turn of this thread's event loop: an owner that waits for it to move on need not wait for its next read. */
  #heard(message: OwnerMessage): void {
    this.#views.take(message);
    if (!this.#moveOn()) return;
    if (message.kind === 'move') this.#parts.port.postMessage({ kind: 'moved' } satisfies ThreadMessage);
  }

  /** Holds nothing back that is not needed, while it is not reading. */
  #moveOn(): boolean {
    if (this.#whyClosed !== undefined || this.#parts.control.isClosed) return false;
    try {
      this.#views.moveOn();
      return true;
    } catch {
      // Whoever reads next meets the same.
      return false;
    }
  }
}

/** A thread that was given up in the middle of a read, and lacks a table since, reads again from the newest lists. */
function throwUnlessWorthAnother(error: unknown, { snapshot }: ReadOptions): void {
  if (snapshot !== undefined || !hasCode(error, ErrorCode.ThreadRevoked)) throw error;
}
