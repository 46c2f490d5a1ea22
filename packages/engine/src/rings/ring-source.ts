/**
 * The owner's end of one thread's ring: its frames, its messages, and the answers to it.
 *
 * Open → closing (the thread is told why; it publishes nothing new) → ended, when all that was taken has its answer. A
 * thread that is gone ends when its whole frames are taken and answered.
 *
 * Main thread only, that is: the owner's.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { toWireError } from '@arena-level/common/protocol/wire-error';
import { FrameReader, type FrameStaging } from '@arena-level/common/rings/frame-reader';
import {
  attachControl,
  ControlWord,
  type RingMemory,
  RingState,
} from '@arena-level/common/rings/ring-memory';
import { hasReached } from '@arena-level/common/rings/tickets';
import type { WriteGroup } from '../write/write-group.ts';
import { AnswerLane } from './answer-lane.ts';
import type { RingAnswer, RingRequest } from './ring-messages.ts';

/** What the rings need of a store. */
export interface RingTarget {
  /** See `WritePath.append`. */
  append(records: Uint8Array, start: number, end: number, entries: number): WriteGroup;
}

export interface RingSourceListener {
  /** The thread says that there are frames, or is gone. */
  onAwake(): void;
  /** Nothing more comes or goes. */
  onEnded(source: RingSource): void;
}

export class RingSource {
  /** Of the ring's memory. */
  readonly memoryBytes: number;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #port: MessagePort;
  readonly #listener: RingSourceListener;
  readonly #reader: FrameReader;
  readonly #written: AnswerLane;
  readonly #durable: AnswerLane;
  /** Records that came by message, by the ticket of their frame. */
  readonly #apart = new Map<number, SharedArrayBuffer>();
  #state: RingState = RingState.Open;
  #isGone = false;
  /** Whatever is still in the ring is left there. */
  #takesNothing = false;

  constructor(memory: RingMemory, port: MessagePort, staging: FrameStaging, listener: RingSourceListener) {
    this.#control = attachControl(memory);
    this.memoryBytes = memory.control.byteLength + memory.frames.byteLength;
    this.#port = port;
    this.#listener = listener;
    this.#reader = new FrameReader(memory.frames, staging, this.#control[ControlWord.Written]!);
    this.#written = new AnswerLane(this.#control, ControlWord.Written);
    this.#durable = new AnswerLane(this.#control, ControlWord.Durable);
    port.on('message', this.#onMessage);
    port.on('close', this.#onClose);
    // A thread that writes keeps the process alive itself.
    port.unref();
  }

  /** Bytes in the ring that were not taken. */
  get waitingBytes(): number {
    return this.#reader.waitingBytes;
  }

  get recordBytes(): number {
    return this.#reader.recordBytes;
  }

  get entries(): number {
    return this.#reader.entries;
  }

  /** Whether there is a frame to take. A ring that turns out to be damaged is closed. */
  hasFrame(): boolean {
    if (this.#takesNothing) return false;
    try {
      if (this.#reader.hasFrame()) return true;
    } catch (error) {
      this.close(error);
    }
    if (this.#isGone) this.close(new EngineError(ErrorCode.Aborted, 'the thread is gone'));
    return false;
  }

  /** Hands the next frame to the store. Returns its group; undefined when it was refused. REQUIRES: a frame. */
  take(target: RingTarget): WriteGroup | undefined {
    const { ticket, isSync, recordBytes, entries, isApart } = this.#reader;
    const inRing = this.#reader.take();
    try {
      const records = isApart ? this.#takeApart(ticket, recordBytes) : inRing;
      const group = target.append(records, 0, recordBytes, entries);
      this.#written.expect(ticket, group);
      if (isSync) this.#durable.expect(ticket, group);
      return group;
    } catch (error) {
      this.#refuse(ticket, isSync, error);
      return undefined;
    }
  }

  /** Whether the frame just taken waits for the disk, too. */
  get waitsForDisk(): boolean {
    return this.#reader.isSync;
  }

  settleWritten(group: WriteGroup, failure?: unknown): void {
    this.#written.settle(group, failure === undefined ? undefined : this.#failed('written', failure));
    this.#afterAnswer(false);
  }

  settleDurable(group: WriteGroup, failure?: unknown): void {
    this.#durable.settle(group, failure === undefined ? undefined : this.#failed('durable', failure));
    this.#afterAnswer(true);
  }

  /** The thread is to publish nothing more, and hears why. What it has published may still be taken. */
  refuseNew(reason: unknown): void {
    if (this.#state !== RingState.Open) return;
    this.#post({ kind: 'closing', error: toWireError(reason) });
    this.#setState(RingState.Closing);
  }

  /** Takes nothing more; ends when what was taken has its answer. The thread hears `reason` for everything else. */
  close(reason: unknown): void {
    this.#takesNothing = true;
    this.refuseNew(reason);
    this.#endIfIdle();
  }

  #takeApart(ticket: number, recordBytes: number): Uint8Array {
    // Posted before its frame was published: it has been delivered, or is in the port.
    while (!this.#apart.has(ticket)) {
      const next = receiveMessageOnPort(this.#port);
      if (next === undefined) break;
      this.#keepApart(next.message as RingRequest);
    }
    const records = this.#apart.get(ticket);
    this.#apart.delete(ticket);
    if (!(records instanceof SharedArrayBuffer) || records.byteLength !== recordBytes) {
      throw new EngineError(
        ErrorCode.Internal,
        `the ${recordBytes} bytes of a large batch of another thread did not come`,
      );
    }
    return new Uint8Array(records);
  }

  #keepApart(request: RingRequest): void {
    if (request.kind === 'apart') this.#apart.set(request.ticket, request.records);
  }

  #refuse(ticket: number, isSync: boolean, error: unknown): void {
    const fate = {};
    this.#written.expect(ticket, fate);
    this.#written.settle(fate, this.#failed('written', error));
    if (isSync) {
      this.#durable.expect(ticket, fate);
      this.#durable.settle(fate);
    }
    this.#afterAnswer(isSync);
  }

  #failed(lane: 'written' | 'durable', failure: unknown): (first: number, last: number) => void {
    const error = toWireError(failure);
    return (first, last) => {
      this.#post({ kind: 'failed', lane, first, last, error });
      Atomics.add(this.#control, ControlWord.Failures, 1);
    };
  }

  #afterAnswer(isDurable: boolean): void {
    this.#tell(isDurable);
    this.#endIfIdle();
  }

  /** Wakes the thread, by what it waits with. `isNow`: with less than it has asked to be told of, too. */
  #tell(isNow: boolean): void {
    const control = this.#control;
    Atomics.add(control, ControlWord.Progress, 1);
    Atomics.notify(control, ControlWord.Progress);
    if (Atomics.load(control, ControlWord.WantsMessage) === 0) return;
    const from = Atomics.load(control, ControlWord.MessageFrom);
    if (!isNow && !hasReached(control[ControlWord.Written]!, from)) return;
    Atomics.store(control, ControlWord.WantsMessage, 0);
    this.#post({ kind: 'progress' });
  }

  #endIfIdle(): void {
    if (this.#state !== RingState.Closing || !this.#takesNothing) return;
    if (this.#written.isEmpty && this.#durable.isEmpty) this.#end();
  }

  #end(): void {
    this.#setState(RingState.Ended);
    this.#apart.clear();
    this.#port.close();
    this.#listener.onEnded(this);
  }

  #setState(state: RingState): void {
    this.#state = state;
    Atomics.store(this.#control, ControlWord.State, state);
    this.#tell(true);
  }

  #post(answer: RingAnswer): void {
    if (!this.#isGone) this.#port.postMessage(answer);
  }

  readonly #onMessage = (request: RingRequest): void => {
    this.#keepApart(request);
    if (request.kind === 'wake') this.#listener.onAwake();
  };

  readonly #onClose = (): void => {
    this.#isGone = true;
    this.#listener.onAwake();
  };
}
