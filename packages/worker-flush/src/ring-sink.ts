/**
 * Sends the batches of a piece through its ring to the owner of the store, while the piece is still being parsed.
 *
 * Where the ring is full the thread sleeps in `Atomics.wait`. That is safe as the owner empties the ring of the oldest piece
 * that is not through, always: the thread that has that piece goes on, and every other one when its piece has become the
 * oldest. Whoever gives the ingest up ends the rings.
 */
import { parentPort } from 'node:worker_threads';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { BATCH_HEADER_BYTES } from '@arena-level/common/key/batch-record';
import type { IngestMessage, IngestRing } from '@arena-level/common/protocol/ingest-protocol';
import { FrameWriter } from '@arena-level/common/rings/frame-writer';
import { OwnerSignal } from '@arena-level/common/rings/owner-signal';
import { attachControl, ControlWord, RingState } from '@arena-level/common/rings/ring-memory';
import { ticketAfter } from '@arena-level/common/rings/tickets';
import type { BatchSink } from './batch-encoder.ts';

export class RingSink implements BatchSink {
  readonly #id: number;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #frames: FrameWriter;
  readonly #signal: OwnerSignal;
  readonly #post: (message: IngestMessage) => void;
  #lastTicket: number;

  constructor({ id, memory }: IngestRing, post: (message: IngestMessage) => void = postToOwner) {
    this.#id = id;
    this.#control = attachControl(memory);
    this.#frames = new FrameWriter(memory.frames);
    this.#signal = new OwnerSignal(memory.signal);
    this.#post = post;
    this.#lastTicket = this.#control[ControlWord.Written]!;
  }

  /** Throws LEVEL_ABORTED when the ingest has been given up. */
  add(bytes: Uint8Array<ArrayBuffer>, end: number, entries: number): void {
    this.#awaitRoom(end - BATCH_HEADER_BYTES);
    const ticket = ticketAfter(this.#lastTicket);
    this.#frames.pushBatch(0, entries, ticket, bytes, BATCH_HEADER_BYTES, end, this.#postApart);
    this.#lastTicket = ticket;
    if (this.#signal.claimWake()) this.#post({ kind: 'ingest-wake', ring: this.#id });
  }

  readonly #postApart = (ticket: number, records: SharedArrayBuffer): void => {
    this.#post({ kind: 'ingest-apart', ring: this.#id, ticket, records });
  };

  #awaitRoom(recordBytes: number): void {
    const control = this.#control;
    for (;;) {
      const progress = Atomics.load(control, ControlWord.Progress);
      if (Atomics.load(control, ControlWord.State) !== RingState.Open) {
        throw new EngineError(ErrorCode.Aborted, 'the ingest was given up');
      }
      if (this.#frames.hasRoomForBatch(recordBytes)) return;
      Atomics.wait(control, ControlWord.Progress, progress);
    }
  }
}

function postToOwner(message: IngestMessage): void {
  parentPort!.postMessage(message);
}
