/**
 * Writes to a store that another thread has open, through a ring (`ring-memory.ts`). The same calls as on the store, with
 * the same answers: a write is acknowledged when it is in the journal and all readers see it, with `sync` when it is on
 * the disk.
 *
 * Asynchronous writes of one turn share a frame. Those for which the ring has no room wait here, in their order; their
 * bytes are bounded by `maxPendingBytes`. A blocking write first sends what was issued before it, and blocks the
 * thread in `Atomics.wait` until it is answered.
 *
 * A batch that is larger than the ring travels in memory of its own, its frame in the ring gives it its place.
 *
 * The producing thread only.
 */
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode, hasCode } from '@arena-level/common/base/errors';
import { MIB } from '@arena-level/common/base/limits';
import { EMPTY_BYTES } from '@arena-level/common/bytes/compare';
import { deleteRecordBytes, putRecordBytes } from '@arena-level/common/key/batch-record';
import { FrameWriter } from '@arena-level/common/rings/frame-writer';
import { OwnerSignal } from '@arena-level/common/rings/owner-signal';
import {
  attachControl,
  ControlWord,
  FrameFlag,
  MAX_SHARED_FRAME_BYTES,
  MAX_SHARED_FRAME_ENTRIES,
  type RingMemory,
} from '@arena-level/common/rings/ring-memory';
import { hasReached, ticketAfter } from '@arena-level/common/rings/tickets';
import { LoopTurns, type Turns } from '../iterator/turns.ts';
import { BATCH_HEADER_BYTES } from '../journal/batch-codec.ts';
import type { BatchOperation, WriteOptions } from '../public/public-types.ts';
import { checkBacklog } from '../write/check-backlog.ts';
import { checkBatch, checkKey, checkValue, wantsSync } from '../write/check-entries.ts';
import { WriteGroup } from '../write/write-group.ts';
import { OwnerLink } from './owner-link.ts';
import { ProgressWatch } from './progress-watch.ts';
import { RingWrite } from './ring-write.ts';
import { SpareBuffers } from './spare-buffers.ts';

/** Of buffers that are kept for batches to come. */
const MAX_SPARE_BYTES: number = 2 * MIB;
/** Frames that are answered by one message at most: each takes the owner up to 0.3 ms, and the first waits for the last. */
const MOST_PER_MESSAGE = 4;

export interface RingWriterOptions {
  /** Bytes of writes that may wait for room in the ring. */
  readonly maxPendingBytes: number;
  /** Called now and then while a blocking write waits, which nothing else of the thread does meanwhile. */
  readonly onLongWait?: () => void;
  /** Those of this thread. Without it: by the system's clock. */
  readonly turns?: Turns;
}

export class RingWriter {
  readonly #link: OwnerLink;
  readonly #watch: ProgressWatch;
  readonly #turns: Turns;
  readonly #frames: FrameWriter;
  readonly #signal: OwnerSignal;
  readonly #maxPendingBytes: number;
  readonly #maxSharedBytes: number;
  #lastTicket: number;
  /** Progress behind which there may be answers that were not looked at. */
  #seen = 0;
  /** Gathers the asynchronous writes of this turn. */
  #open: WriteGroup | undefined;
  /** In their order: those that wait for room, those that wait to be written, those that wait for the disk. */
  readonly #queued: RingWrite[] = [];
  readonly #sent: RingWrite[] = [];
  readonly #syncing: RingWrite[] = [];
  /** Record bytes of those in `#queued`, and of those that travel apart until they are written. */
  #pendingBytes = 0;
  readonly #spares = new SpareBuffers(MAX_SPARE_BYTES);
  readonly #onIdle: (() => void)[] = [];
  #isClosed = false;
  readonly #onLongWait: (() => void) | undefined;

  /** Throws ARENA_INVALID_ARGUMENT when `memory` is not that of a ring. */
  constructor(
    memory: RingMemory,
    port: MessagePort,
    { maxPendingBytes, onLongWait, turns }: RingWriterOptions,
  ) {
    const control = attachControl(memory);
    this.#lastTicket = control[ControlWord.Written]!;
    this.#frames = new FrameWriter(memory.frames);
    this.#signal = new OwnerSignal(memory.signal);
    this.#maxPendingBytes = maxPendingBytes;
    this.#maxSharedBytes = Math.min(MAX_SHARED_FRAME_BYTES, this.#frames.maxRecordBytes);
    this.#onLongWait = onLongWait;
    this.#turns = turns ?? new LoopTurns(systemClock);
    const look = (): void => this.#look(true);
    this.#link = new OwnerLink(control, port, look);
    this.#watch = new ProgressWatch(this.#link, look, () => this.#ticketToHearOf());
  }

  /** Stores a value under a key, replacing the one before. */
  put(key: Uint8Array, value: Uint8Array, options?: WriteOptions): Promise<void> {
    try {
      checkKey(key);
      checkValue(value);
      const sync = wantsSync(options);
      const group = this.#groupFor(putRecordBytes(key.length, value.length), 1);
      group.addPut(key, value);
      return group.promise(sync);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Deletes a key; one that is not there is no error. */
  del(key: Uint8Array, options?: WriteOptions): Promise<void> {
    try {
      checkKey(key);
      const sync = wantsSync(options);
      const group = this.#groupFor(deleteRecordBytes(key.length), 1);
      group.addDelete(key);
      return group.promise(sync);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Applies all operations, in their order, or none of them. */
  batch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<void> {
    try {
      const recordBytes = checkBatch(operations);
      const sync = wantsSync(options);
      this.#checkOpen();
      if (operations.length === 0) return Promise.resolve();
      const group = this.#groupFor(recordBytes, operations.length);
      group.addBatch(operations, recordBytes);
      return group.promise(sync);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  putSync(key: Uint8Array, value: Uint8Array, options?: WriteOptions): void {
    checkKey(key);
    checkValue(value);
    const sync = wantsSync(options);
    const group = this.#beginNow();
    group.addPut(key, value);
    this.#finishNow(group, sync);
  }

  delSync(key: Uint8Array, options?: WriteOptions): void {
    checkKey(key);
    const sync = wantsSync(options);
    const group = this.#beginNow();
    group.addDelete(key);
    this.#finishNow(group, sync);
  }

  batchSync(operations: readonly BatchOperation[], options?: WriteOptions): void {
    const recordBytes = checkBatch(operations);
    const sync = wantsSync(options);
    this.#checkOpen();
    if (operations.length === 0) return;
    const group = this.#beginNow();
    group.addBatch(operations, recordBytes);
    this.#finishNow(group, sync);
  }

  /** Takes no new write, waits for the answers to those that were issued, and lets go of the ring. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (!this.#isIdle) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    this.#link.close();
  }

  /** Resolves when all that was issued so far is written, or is not. Never rejects. */
  async written(): Promise<void> {
    const open = this.#open === undefined ? [] : [this.#open];
    const groups = [...[...this.#sent, ...this.#queued].map(({ group }) => group), ...open];
    await Promise.allSettled(groups.map((group) => group.promise(false)));
  }

  get #isIdle(): boolean {
    return (
      this.#open === undefined &&
      this.#queued.length === 0 &&
      this.#sent.length === 0 &&
      this.#syncing.length === 0
    );
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new EngineError(ErrorCode.DatabaseNotOpen, 'the attached store is closed');
    const { refusal } = this.#link;
    if (refusal !== undefined) throw refusal;
  }

  /** The open group, with room for one more write; throws when no write can be taken. */
  #groupFor(recordBytes: number, entries: number): WriteGroup {
    this.#checkOpen();
    const pendingBytes = this.#pendingBytes + (this.#open?.recordBytes ?? 0);
    checkBacklog(pendingBytes, recordBytes, this.#maxPendingBytes);
    if (this.#open !== undefined && !this.#joins(this.#open, recordBytes, entries)) {
      this.#closeOpenGroup();
      this.#sendQueued();
    }
    if (this.#open === undefined) {
      this.#open = this.#newGroup();
      process.nextTick(this.#onTurnEnd);
    }
    return this.#open;
  }

  #joins(open: WriteGroup, recordBytes: number, entries: number): boolean {
    return (
      open.recordBytes + recordBytes <= this.#maxSharedBytes &&
      open.entries + entries <= MAX_SHARED_FRAME_ENTRIES
    );
  }

  readonly #onTurnEnd = (): void => {
    this.#closeOpenGroup();
    // Promises alone never let the event loop turn.
    this.#look(!this.#turns.isDue());
  };

  #newGroup(): WriteGroup {
    return new WriteGroup(this.#spares.take());
  }

  #closeOpenGroup(): void {
    const group = this.#open;
    this.#open = undefined;
    // Empty when the only write of it could not be taken in.
    if (group !== undefined && !group.isEmpty) this.#enqueue(new RingWrite(group, group.wantsSync));
  }

  #enqueue(write: RingWrite): void {
    this.#queued.push(write);
    this.#pendingBytes += write.recordBytes;
  }

  #beginNow(): WriteGroup {
    this.#checkOpen();
    this.#closeOpenGroup();
    return this.#newGroup();
  }

  #finishNow(group: WriteGroup, sync: boolean): void {
    const write = new RingWrite(group, sync);
    this.#enqueue(write);
    for (;;) {
      const { progress } = this.#link;
      this.#sendQueued();
      this.#settle();
      if (write.isSettled) break;
      if (!this.#link.sleep(progress)) this.#onLongWait?.();
    }
    // Those before it that wait for more hear of it by message.
    this.#look(true);
    if (write.failure !== undefined) throw write.failure;
  }

  /** Goes as far as it can, and sees to it that it goes on. With `settles` false answers that came wait for another turn. */
  #look(settles: boolean): void {
    const link = this.#link;
    if (settles) this.#seen = link.progress;
    this.#sendQueued();
    if (settles) this.#settle();
    if (this.#isIdle) {
      this.#watch.end();
      for (const resolve of this.#onIdle.splice(0)) resolve();
    } else {
      this.#watch.begin(this.#seen, this.#queued.length + this.#sent.length + this.#syncing.length);
    }
  }

  /** One message serves the older half of the writes on their way: the ring does not run empty meanwhile. */
  #ticketToHearOf(): number {
    const sent = this.#sent;
    // Without one: any answer will do.
    if (sent.length === 0) return this.#lastTicket;
    return sent[Math.min((sent.length - 1) >> 1, MOST_PER_MESSAGE - 1)]!.ticket;
  }

  /** What the ring has no room for waits for an answer: whatever is in it will have one, behind having left it. */
  #sendQueued(): void {
    if (this.#queued.length === 0 || this.#link.hasEnded) return;
    const before = this.#lastTicket;
    let done = 0;
    while (done < this.#queued.length && this.#sendOrFail(this.#queued[done]!)) done++;
    this.#queued.splice(0, done);
    if (this.#lastTicket !== before && this.#signal.claimWake()) this.#link.post({ kind: 'wake' });
  }

  /** True when it waits no more: it is sent, or told that it never will be. */
  #sendOrFail(write: RingWrite): boolean {
    try {
      return this.#send(write);
    } catch (error) {
      if (!hasCode(error, ErrorCode.MemoryBudget)) throw error;
      this.#pendingBytes -= write.recordBytes;
      write.failed(error);
      return true;
    }
  }

  /** False when there is no room. */
  #send(write: RingWrite): boolean {
    const { group, recordBytes, isSync } = write;
    const frames = this.#frames;
    if (!frames.hasRoomForBatch(recordBytes)) return false;
    const ticket = ticketAfter(this.#lastTicket);
    const flags = isSync ? FrameFlag.Sync : 0;
    frames.pushBatch(
      flags,
      group.entries,
      ticket,
      group.bytes,
      BATCH_HEADER_BYTES,
      group.end,
      this.#postApart,
    );
    if (recordBytes <= frames.maxRecordBytes) this.#pendingBytes -= recordBytes;
    this.#spares.give(group.bytes);
    group.bytes = EMPTY_BYTES;
    this.#lastTicket = ticket;
    write.ticket = ticket;
    this.#sent.push(write);
    return true;
  }

  readonly #postApart = (ticket: number, records: SharedArrayBuffer): void => {
    this.#link.post({ kind: 'apart', ticket, records });
  };

  /** Gives every write its answer that has one by now. */
  #settle(): void {
    const link = this.#link;
    const hasEnded = link.hasEnded;
    if (this.#sent.length > 0) this.#settleWritten(link.counter('written'));
    if (this.#syncing.length > 0) this.#settleDurable(link.counter('durable'));
    if (hasEnded) this.#failAll();
  }

  #settleWritten(counter: number): void {
    let settled = 0;
    for (const write of this.#sent) {
      if (!hasReached(counter, write.ticket)) break;
      settled++;
      if (write.recordBytes > this.#frames.maxRecordBytes) this.#pendingBytes -= write.recordBytes;
      const failure = this.#link.failureOf('written', write.ticket);
      if (failure !== undefined) write.failed(failure);
      else {
        write.written();
        if (write.isSync) this.#syncing.push(write);
      }
    }
    if (settled > 0) this.#sent.splice(0, settled);
  }

  #settleDurable(counter: number): void {
    let settled = 0;
    for (const write of this.#syncing) {
      if (!hasReached(counter, write.ticket)) break;
      settled++;
      const failure = this.#link.failureOf('durable', write.ticket);
      if (failure === undefined) write.durable();
      else write.notDurable(failure);
    }
    if (settled > 0) this.#syncing.splice(0, settled);
  }

  /** Nothing more is answered. */
  #failAll(): void {
    for (const write of this.#syncing.splice(0)) write.notDurable(this.#link.unanswered);
    for (const write of this.#sent.splice(0)) write.failed(this.#link.unanswered);
    for (const write of this.#queued.splice(0)) write.failed(this.#link.refusal);
    this.#pendingBytes = 0;
  }
}
