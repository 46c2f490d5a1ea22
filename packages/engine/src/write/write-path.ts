/**
 * Where writes come in. They are encoded at once, so the caller may reuse its buffers, and gather in the open
 * group; it closes when the turn of the event loop ends, when it is full, or when a blocking twin comes, and goes
 * to the queue (`write-queue.ts`), which does the rest. A twin first brings the queue to its end, so that blocking
 * and asynchronous writes have one order.
 *
 * Main thread only.
 */
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import type { Steps } from '@arena-level/common/base/steps';
import { deleteRecordBytes, putRecordBytes } from '@arena-level/common/key/batch-record';
import type { Memtable } from '../memtable/memtable.ts';
import type { BatchOperation } from '../public/public-types.ts';
import { checkBacklog } from './check-backlog.ts';
import { ExclusiveWork } from './exclusive-work.ts';
import { notSynced } from './queue-items.ts';
import { WriteGroup } from './write-group.ts';
import { type WriteCounters, WriteQueue, type WriteQueueModules } from './write-queue.ts';

/** Record bytes at which a group is closed. */
const MAX_GROUP_BYTES = 1 * MIB;
/** A buffer up to this size is kept for the next group. */
const MAX_SPARE_BYTES = 2 * MAX_GROUP_BYTES;

export interface WritePathOptions {
  readonly maxPendingBytes: number;
  readonly maxFrozenMemtables: number;
}

export class WritePath {
  readonly #maxPendingBytes: number;
  readonly #modules: WriteQueueModules;
  readonly #queue: WriteQueue;
  /** Gathers the writes of this turn. */
  #open: WriteGroup | undefined;
  /** Record bytes of all groups that are queued. */
  #queuedBytes = 0;
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #intakeStopped = false;
  /** Operations of a batch are being read: getters among them may call the store. */
  #takesBatch = false;

  constructor(options: WritePathOptions, modules: WriteQueueModules, lastSequence: number) {
    this.#maxPendingBytes = options.maxPendingBytes;
    this.#modules = modules;
    this.#queue = new WriteQueue(modules, options.maxFrozenMemtables, lastSequence, (group) =>
      this.#forget(group),
    );
  }

  get counters(): Readonly<WriteCounters> {
    return this.#queue.counters;
  }

  /** The greatest sequence number that readers see. */
  get lastSequence(): number {
    return this.#queue.lastSequence;
  }

  /** Record bytes of all groups that are open or queued. */
  get pendingBytes(): number {
    return this.#queuedBytes + (this.#open?.recordBytes ?? 0);
  }

  put(key: Uint8Array, value: Uint8Array, sync: boolean): Promise<void> {
    const group = this.#groupFor(putRecordBytes(key.length, value.length), 1);
    group.addPut(key, value);
    return this.#gathered(group, sync);
  }

  del(key: Uint8Array, sync: boolean): Promise<void> {
    const group = this.#groupFor(deleteRecordBytes(key.length), 1);
    group.addDelete(key);
    return this.#gathered(group, sync);
  }

  /** REQUIRES: checked operations, at least one; `recordBytes` as `checkBatch` computed it. */
  batch(operations: readonly BatchOperation[], recordBytes: number, sync: boolean): Promise<void> {
    const group = this.#groupFor(recordBytes, operations.length);
    this.#addBatch(group, operations, recordBytes);
    return this.#gathered(group, sync);
  }

  /**
   * Takes in the records of a batch that another thread encoded; they are checked. What becomes of them the group tells,
   * if it is asked at once: nothing of it is written before the next call, or the end of the turn.
   */
  append(records: Uint8Array, start: number, end: number, entries: number): WriteGroup {
    const group = this.#groupFor(end - start, entries);
    group.addRecords(records, start, end, entries);
    return group;
  }

  /**
   * Runs `steps` behind the writes issued so far, with an empty active memtable unless there is no room for another; all
   * writes issued from now on wait for the end.
   */
  exclusive(steps: () => Steps<void>): Promise<void> {
    const work = new ExclusiveWork(steps);
    try {
      this.#checkIntake();
    } catch (error) {
      work.reject(error);
      return work.promise;
    }
    this.#closeOpenGroup();
    this.#queue.push({ minBytes: 0, resolve: () => {}, reject: () => {} });
    this.#queue.push(work);
    this.#queue.pump();
    return work.promise;
  }

  /** See `WriteQueue.passSequence`. */
  passSequence(sequence: number, isVisible: boolean): void {
    this.#queue.passSequence(sequence, isVisible);
  }

  putNow(key: Uint8Array, value: Uint8Array, sync: boolean): void {
    const group = this.#beginNow();
    group.addPut(key, value);
    this.#finishNow(group, sync);
  }

  delNow(key: Uint8Array, sync: boolean): void {
    const group = this.#beginNow();
    group.addDelete(key);
    this.#finishNow(group, sync);
  }

  batchNow(operations: readonly BatchOperation[], recordBytes: number, sync: boolean): void {
    const group = this.#beginNow();
    this.#addBatch(group, operations, recordBytes);
    this.#finishNow(group, sync);
  }

  /** Rotates behind the writes issued so far. Resolves with the frozen memtable, or undefined when there was nothing to freeze. */
  rotate(minBytes: number): Promise<Memtable | undefined> {
    return new Promise((resolve, reject) => {
      this.#checkIntake();
      this.#closeOpenGroup();
      this.#queue.push({ minBytes, resolve, reject });
      this.#queue.pump();
    });
  }

  /** Something that the queue may wait for has changed. */
  pump(): void {
    this.#queue.pump();
  }

  /** Resolves when every write issued so far has been written or refused. */
  idle(): Promise<void> {
    this.#closeOpenGroup();
    this.#queue.pump();
    return this.#queue.empty();
  }

  /** Refuses everything that waits: nothing of it was written. */
  refuseQueued(error: unknown): void {
    this.#closeOpenGroup();
    this.#queue.refuse(error);
  }

  /** See `WriteQueue.giveUpPooled`. */
  giveUpPooled(): EngineError | undefined {
    return this.#queue.giveUpPooled();
  }

  /** The store is being closed: nothing is taken in any more, what is queued is still written. */
  stopIntake(): void {
    this.#intakeStopped = true;
  }

  /** All of a batch, or nothing of it: its group stays open meanwhile, and nothing else is taken in. */
  #addBatch(group: WriteGroup, operations: readonly BatchOperation[], recordBytes: number): void {
    this.#takesBatch = true;
    try {
      group.addBatch(operations, recordBytes);
    } finally {
      this.#takesBatch = false;
    }
  }

  #checkIntake(): void {
    const { health } = this.#modules;
    if (this.#takesBatch) {
      throw new EngineError(
        ErrorCode.InvalidArgument,
        'a batch is being taken in: its getters must not write',
      );
    }
    if (this.#intakeStopped) throw new EngineError(ErrorCode.DatabaseNotOpen, 'the store is closed');
    if (health.state === 'stopped' || health.state === 'closed') throw health.refusal();
  }

  /** The open group, with room for one more write; throws when no write can be taken. */
  #groupFor(recordBytes: number, entries: number): WriteGroup {
    this.#checkIntake();
    checkBacklog(this.pendingBytes, recordBytes, this.#maxPendingBytes);
    if (this.#open !== undefined && !this.#joins(this.#open, recordBytes, entries)) {
      this.#closeOpenGroup();
      this.#queue.pump();
      this.#checkIntake();
    }
    if (this.#open === undefined) {
      this.#open = this.#newGroup();
      process.nextTick(this.#onTurnEnd);
    }
    return this.#open;
  }

  /** A group takes another write while it stays small and fits into what the active memtable has left. */
  #joins(open: WriteGroup, recordBytes: number, entries: number): boolean {
    const groupBytes = open.recordBytes + recordBytes;
    if (groupBytes > MAX_GROUP_BYTES) return false;
    const { memdb } = this.#modules.memtables.active;
    return !this.#queue.isEmpty || memdb.fits(groupBytes, open.entries + entries);
  }

  #gathered(group: WriteGroup, sync: boolean): Promise<void> {
    const promise = group.promise(sync);
    if (group.recordBytes >= MAX_GROUP_BYTES) {
      this.#closeOpenGroup();
      this.#queue.pump();
    }
    return promise;
  }

  readonly #onTurnEnd = (): void => {
    if (this.#open === undefined) return;
    this.#closeOpenGroup();
    this.#queue.pump();
  };

  #closeOpenGroup(): void {
    if (this.#takesBatch) return;
    const group = this.#open;
    this.#open = undefined;
    // Empty when the only write of it could not be taken in.
    if (group !== undefined && !group.isEmpty) this.#enqueue(group);
  }

  #enqueue(group: WriteGroup): void {
    this.#queuedBytes += group.recordBytes;
    this.#queue.push(group);
  }

  #newGroup(): WriteGroup {
    const group = new WriteGroup(this.#spare);
    this.#spare = undefined;
    return group;
  }

  /** A group that left the queue gives back its share of the queued bytes, and its buffer. */
  #forget(group: WriteGroup): void {
    this.#queuedBytes -= group.recordBytes;
    if (group.bytes.length <= MAX_SPARE_BYTES) this.#spare = group.bytes;
  }

  /** Everything issued before a blocking write comes to its end first. */
  #beginNow(): WriteGroup {
    const { health } = this.#modules;
    this.#checkIntake();
    this.#closeOpenGroup();
    this.#queue.drainNow();
    if (health.state !== 'healthy') throw health.refusal();
    return this.#newGroup();
  }

  #finishNow(group: WriteGroup, sync: boolean): void {
    this.#enqueue(group);
    try {
      this.#queue.drainNow();
    } catch (error) {
      this.#queue.withdraw(group);
      throw error;
    }
    if (group.failure !== undefined) throw group.failure;
    if (sync) this.#reachDiskNow();
  }

  #reachDiskNow(): void {
    try {
      this.#modules.durability.reachNow();
    } catch (cause) {
      throw notSynced(cause);
    }
  }
}
