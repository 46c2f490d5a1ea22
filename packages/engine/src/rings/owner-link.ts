/**
 * What a thread knows of the owner of its ring: the counters, the failures that came by message, and whether anybody is
 * there at all.
 *
 * The port is read by whoever comes first: its listener, or, on a thread that is blocked or does not let its event loop
 * turn, `receiveMessageOnPort`.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { fromWireError } from '@arena-level/common/protocol/wire-error';
import { ControlWord, RingState } from '@arena-level/common/rings/ring-memory';
import { hasReached } from '@arena-level/common/rings/tickets';
import type { RingAnswer, RingRequest } from './ring-messages.ts';

interface Failure {
  readonly lane: 'written' | 'durable';
  readonly first: number;
  readonly last: number;
  readonly error: EngineError;
}

/** How long a blocked thread sleeps before it asks whether the owner is still there. */
const PROBE_MS = 500;

export class OwnerLink {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #port: MessagePort;
  readonly #onNews: () => void;
  #failures: Failure[] = [];
  /** Messages `failed` that have come, with wrap as the word that counts those posted. */
  #failuresSeen = 0;
  #closingError: EngineError | undefined;
  #isGone = false;
  #isRef = true;
  /** A message with progress is asked for, or on its way. */
  #awaitsMessage = false;

  /** `onNews`: called in a turn of its own when the owner has something to tell. */
  constructor(control: Int32Array<SharedArrayBuffer>, port: MessagePort, onNews: () => void) {
    this.#control = control;
    this.#port = port;
    this.#onNews = onNews;
    port.on('message', (answer: RingAnswer) => {
      this.#take(answer);
      onNews();
    });
    port.on('close', this.#onClose);
    this.keepAlive(false);
  }

  /** Why no new write can be taken; undefined while they can. */
  get refusal(): EngineError | undefined {
    if (this.#isGone) return this.#closingError ?? gone();
    if (Atomics.load(this.#control, ControlWord.State) === RingState.Open) return undefined;
    if (this.#closingError === undefined) {
      this.#receive();
      // Among what came may have been what this thread is waiting for.
      process.nextTick(this.#onNews);
    }
    return this.#closingError ?? new EngineError(ErrorCode.DatabaseNotOpen, 'the store is closed');
  }

  /** No answer comes any more. */
  get hasEnded(): boolean {
    return this.#isGone || Atomics.load(this.#control, ControlWord.State) === RingState.Ended;
  }

  /** What is told of a write that was sent and will never be answered. */
  get unanswered(): EngineError {
    if (Atomics.load(this.#control, ControlWord.State) === RingState.Ended) return this.refusal!;
    return new EngineError(
      ErrorCode.WriteOutcomeUnknown,
      'the write may or may not be in the store: the thread that has it open is gone',
    );
  }

  get progress(): number {
    return Atomics.load(this.#control, ControlWord.Progress);
  }

  /** The ticket up to which writes, or those with `sync`, have their answer. */
  counter(lane: 'written' | 'durable'): number {
    const counter = Atomics.load(
      this.#control,
      lane === 'written' ? ControlWord.Written : ControlWord.Durable,
    );
    // Failures are posted and counted before the counter that covers them.
    if (Atomics.load(this.#control, ControlWord.Failures) !== this.#failuresSeen) this.#receive();
    return counter;
  }

  /** The error of a write that its counter has reached; undefined when it went well. Asked in the order of tickets. */
  failureOf(lane: 'written' | 'durable', ticket: number): EngineError | undefined {
    if (this.#failures.length === 0) return undefined;
    this.#failures = this.#failures.filter(
      (failure) => failure.lane !== lane || hasReached(failure.last, ticket),
    );
    return this.#failures.find((failure) => failure.lane === lane && hasReached(ticket, failure.first))
      ?.error;
  }

  /** A message is asked for, or on its way: there is nothing to look for before it comes. */
  get awaitsMessage(): boolean {
    return this.#awaitsMessage;
  }

  /** Asks for a message when the write with this ticket has its answer, or one with `sync` has, or the state changes. */
  wantMessage(ticket: number): void {
    this.#awaitsMessage = true;
    this.keepAlive(true);
    Atomics.store(this.#control, ControlWord.MessageFrom, ticket);
    Atomics.store(this.#control, ControlWord.WantsMessage, 1);
  }

  post(request: RingRequest): void {
    this.#port.postMessage(request);
  }

  /** Blocks the thread until there is progress beyond `seen`. False: there was none for long, but somebody may be there. */
  sleep(seen: number): boolean {
    if (Atomics.wait(this.#control, ControlWord.Progress, seen, PROBE_MS) !== 'timed-out') return true;
    this.#probe();
    return false;
  }

  keepAlive(isWanted: boolean): void {
    if (isWanted === this.#isRef || this.#isGone) return;
    this.#isRef = isWanted;
    if (isWanted) this.#port.ref();
    else this.#port.unref();
  }

  close(): void {
    this.#isGone = true;
    this.#port.close();
  }

  /**
   * A port whose other end is closed cannot post: `postMessage` says so by what it returns. Its event 'close' needs a turn
   * of the event loop, and this thread is blocked.
   */
  #probe(): void {
    const request: RingRequest = { kind: 'probe' };
    const isPosted: unknown = this.#port.postMessage(request);
    if (isPosted !== false) return;
    this.#receive();
    this.#isGone = true;
  }

  #receive(): void {
    for (;;) {
      const next = receiveMessageOnPort(this.#port);
      if (next === undefined) return;
      this.#take(next.message as RingAnswer);
    }
  }

  #take(answer: RingAnswer): void {
    if (answer.kind === 'progress') {
      this.#awaitsMessage = false;
    } else if (answer.kind === 'closing') {
      this.#closingError = fromWireError(answer.error);
    } else if (answer.kind === 'failed') {
      const { lane, first, last, error } = answer;
      this.#failures.push({ lane, first, last, error: fromWireError(error) });
      this.#failuresSeen = (this.#failuresSeen + 1) | 0;
    }
  }

  readonly #onClose = (): void => {
    this.#isGone = true;
    this.#onNews();
  };
}

function gone(): EngineError {
  return new EngineError(
    ErrorCode.DatabaseNotOpen,
    'the thread that has the store open is gone, or has let go of this one',
  );
}
