/**
 * The owner's side of all rings: takes frames out of them, in turn, and hands them to the write path, in groups that
 * share one journal write with each other and with the owner's own writes. A thread has its answer when its group has:
 * what an acknowledgement means is the same for all.
 *
 *     asleep ──wake message──▶ slice ──more frames──▶ slice in the next turn ─ …
 *        ▲                       │ too much is taken and not written: held, until some of it is
 *        │                       ▼
 *        └──nothing, twice── idle turns   (sleep is announced before the rings are looked at for the last time)
 *
 * Work per turn of the event loop is bounded by what a slice may take; a batch is taken whole, however large.
 *
 * Main thread only, that is: the owner's.
 */
import type { MessagePort } from 'node:worker_threads';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { KIB, MIB } from '@arena-level/common/base/limits';
import { FrameStaging } from '@arena-level/common/rings/frame-reader';
import { OwnerSignal } from '@arena-level/common/rings/owner-signal';
import {
  createRingMemory,
  type RingMemory,
  type RingMemoryOptions,
} from '@arena-level/common/rings/ring-memory';
import type { StoreStats } from '../public/stats.ts';
import type { WriteGroup } from '../write/write-group.ts';
import { RingSource, type RingTarget } from './ring-source.ts';

/** What a frame costs is its bytes, and this for each entry: an insertion takes half a microsecond to a whole one. */
const ENTRY_COST = 256;
/** A slice takes so much and the rest of one frame: 350 to 600 entries of 100 bytes, a quarter to half a millisecond. */
const SLICE_COST: number = 128 * KIB;
/** Record bytes that may be taken and not yet written; what is beyond waits in the rings. */
const MAX_UNWRITTEN_BYTES: number = 1 * MIB;
/**
 * Turns without a frame before the owner sleeps: a thread that goes on writing need not wake it each time. A turn costs some
 * 3 µs, being woken 10 to 50 µs, of which the thread bears a part; longer looking has cost both more than it saved.
 */
const IDLE_TURNS = 2;

/** Frames of several threads that one group holds. */
interface Portion {
  readonly group: WriteGroup;
  readonly sources: Set<RingSource>;
  bytes: number;
  waitsForDisk: boolean;
}

export interface WriteRingsOptions {
  /** As that of the store; rings take less than that before they wait. */
  readonly maxPendingBytes: number;
}

export class WriteRings {
  readonly #target: RingTarget;
  readonly #signal: OwnerSignal;
  readonly #maxUnwrittenBytes: number;
  readonly #staging = new FrameStaging();
  #sources: RingSource[] = [];
  /** Where the next slice begins. */
  #next = 0;
  /** Of the group that frames go to at the moment. */
  #portion: Portion | undefined;
  #unwrittenBytes = 0;
  /** Since the store was opened. */
  readonly #taken = { frames: 0, entries: 0, bytes: 0 };
  #isScheduled = false;
  /** Waits for something to be written. */
  #isHeld = false;
  #idleTurns = 0;

  constructor(
    target: RingTarget,
    { maxPendingBytes }: WriteRingsOptions,
    signal: OwnerSignal = new OwnerSignal(),
  ) {
    this.#target = target;
    this.#signal = signal;
    this.#maxUnwrittenBytes = Math.min(MAX_UNWRITTEN_BYTES, maxPendingBytes);
    signal.sleep();
  }

  get stats(): StoreStats['rings'] {
    let memoryBytes = 0;
    let waitingBytes = 0;
    for (const source of this.#sources) {
      memoryBytes += source.memoryBytes;
      waitingBytes += source.waitingBytes;
    }
    const unwrittenBytes = this.#unwrittenBytes;
    return { count: this.size, memoryBytes, waitingBytes, unwrittenBytes, ...this.#taken };
  }

  /** Threads that are attached. */
  get size(): number {
    return this.#sources.length;
  }

  /** A ring for one more thread; `port` is this side of a channel of which the thread gets the other, with the memory. */
  add(
    port: MessagePort,
    options?: RingMemoryOptions,
  ): { readonly memory: RingMemory; readonly source: RingSource } {
    const memory = createRingMemory(this.#signal.shared, options);
    const source = new RingSource(memory, port, this.#staging, {
      onAwake: () => this.#wakeUp(),
      onEnded: (ended) => this.#forget(ended),
    });
    this.#sources.push(source);
    return { memory, source };
  }

  /**
   * The store is being closed: what is in the rings by now is handed to the write path, to be written or refused, and
   * no more. A thread that waits hears it when all of its that was taken has its answer.
   */
  close(): void {
    const reason = closed();
    for (const source of this.#sources) source.refuseNew(reason);
    for (const source of [...this.#sources]) {
      while (source.hasFrame()) this.#take(source);
      source.close(reason);
    }
  }

  /** In a turn of its own, which is as good as the next for a slice. */
  #wakeUp(): void {
    this.#signal.wakeUp();
    if (!this.#isScheduled) this.#slice();
  }

  #schedule(): void {
    this.#signal.wakeUp();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#slice);
  }

  readonly #slice = (): void => {
    this.#isScheduled = false;
    this.#isHeld = false;
    const before = this.#unwrittenBytes;
    const isDone = this.#takeSlice();
    if (this.#isHeld) return;
    this.#idleTurns = isDone && this.#unwrittenBytes === before ? this.#idleTurns + 1 : 0;
    if (this.#idleTurns < IDLE_TURNS) this.#schedule();
    else this.#fallAsleep();
  };

  #fallAsleep(): void {
    this.#idleTurns = 0;
    this.#signal.sleep();
    // A thread that published before it could see the word has sent no message.
    if (this.#withFrames().length > 0) this.#schedule();
  }

  /** Takes frames from each ring in turn. True when the rings are empty. */
  #takeSlice(): boolean {
    let left = SLICE_COST;
    while (left > 0) {
      const sources = this.#withFrames();
      if (sources.length === 0) return true;
      const share = left / sources.length;
      for (const source of sources) {
        left -= this.#takeShare(source, share);
        if (this.#isHeld) return false;
        if (left <= 0) break;
      }
    }
    return false;
  }

  /** Takes frames until they have cost that much. Returns what they cost: more, when the last was large. */
  #takeShare(source: RingSource, share: number): number {
    let cost = 0;
    while (cost < share && source.hasFrame()) {
      const { recordBytes, entries } = source;
      if (this.#unwrittenBytes > 0 && this.#unwrittenBytes + recordBytes > this.#maxUnwrittenBytes) {
        this.#isHeld = true;
        break;
      }
      cost += recordBytes + ENTRY_COST * entries;
      this.#take(source);
    }
    return cost;
  }

  /** The sources that have something, beginning with another one each time. */
  #withFrames(): RingSource[] {
    const sources = this.#sources;
    if (sources.length === 0) return [];
    this.#next = (this.#next + 1) % sources.length;
    return [...sources.slice(this.#next), ...sources.slice(0, this.#next)].filter((source) =>
      source.hasFrame(),
    );
  }

  #take(source: RingSource): void {
    const { recordBytes, entries } = source;
    const group = source.take(this.#target);
    if (group === undefined) return;
    this.#taken.frames++;
    this.#taken.entries += entries;
    this.#taken.bytes += recordBytes;
    if (this.#portion?.group !== group) this.#portion = this.#begin(group);
    const portion = this.#portion;
    portion.sources.add(source);
    portion.bytes += recordBytes;
    this.#unwrittenBytes += recordBytes;
    if (source.waitsForDisk && !portion.waitsForDisk) this.#awaitDisk(portion);
  }

  #begin(group: WriteGroup): Portion {
    const portion: Portion = { group, sources: new Set(), bytes: 0, waitsForDisk: false };
    const settle = (failure?: unknown): void => {
      // Nothing joins it any more, and its buffer may be large.
      if (this.#portion === portion) this.#portion = undefined;
      this.#unwrittenBytes -= portion.bytes;
      for (const source of portion.sources) source.settleWritten(group, failure);
      if (this.#isHeld) this.#schedule();
    };
    group.promise(false).then(() => settle(), settle);
    return portion;
  }

  #awaitDisk(portion: Portion): void {
    portion.waitsForDisk = true;
    const settle = (failure?: unknown): void => {
      for (const source of portion.sources) source.settleDurable(portion.group, failure);
    };
    portion.group.promise(true).then(() => settle(), settle);
  }

  #forget(ended: RingSource): void {
    this.#sources = this.#sources.filter((source) => source !== ended);
  }
}

function closed(): EngineError {
  return new EngineError(ErrorCode.DatabaseNotOpen, 'the store is closed');
}
