import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import {
  CONTROL_MAGIC,
  CONTROL_VERSION,
  CONTROL_WORDS,
  ControlWord,
  EPOCH_CLOSED,
  MAX_THREADS,
} from './control-layout.ts';
import { loadCell, openCell, settleCell, storeCell } from './sequence-cell.ts';

/** The words of the control buffer that concern all threads. Which of them who writes: `control-layout.ts`. */
export class ControlBuffer {
  readonly words: Int32Array<SharedArrayBuffer>;

  /** REQUIRES: memory of `createControl`, or that `checkControl` found right. */
  constructor(shared: SharedArrayBuffer) {
    this.words = new Int32Array(shared);
  }

  /** Grows with every change of the memtables or the version. */
  get epoch(): number {
    return Atomics.load(this.words, ControlWord.Epoch);
  }

  set epoch(epoch: number) {
    Atomics.store(this.words, ControlWord.Epoch, epoch);
  }

  get isClosed(): boolean {
    return this.epoch === EPOCH_CLOSED;
  }

  /**
   * Versions of keys below it may be gone, unless a snapshot that was registered before keeps them. `UNSETTLED` while
   * it is being raised, or while no snapshot may be taken.
   */
  get horizon(): number {
    return loadCell(this.words, ControlWord.Horizon);
  }

  /** It never goes down. Owner only. */
  raiseHorizon(sequence: number): void {
    if (sequence > this.horizon) storeCell(this.words, ControlWord.Horizon, sequence);
  }

  /** No thread takes a snapshot while `step` runs. Owner only. */
  withoutNewSnapshots<T>(step: () => T): T {
    openCell(this.words, ControlWord.Horizon);
    try {
      return step();
    } finally {
      settleCell(this.words, ControlWord.Horizon);
    }
  }
}

export function createControl(): ControlBuffer {
  const control = new ControlBuffer(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT));
  control.words[ControlWord.Magic] = CONTROL_MAGIC;
  control.words[ControlWord.Version] = CONTROL_VERSION;
  control.words[ControlWord.Slots] = MAX_THREADS;
  return control;
}

/** Throws unless the memory is a control buffer of this version. */
export function checkControl(shared: unknown): asserts shared is SharedArrayBuffer {
  if (!(shared instanceof SharedArrayBuffer) || shared.byteLength < 3 * Int32Array.BYTES_PER_ELEMENT) {
    throw new EngineError(ErrorCode.InvalidArgument, 'the handle has no control buffer');
  }
  const words = new Int32Array(shared, 0, 3);
  if (words[ControlWord.Magic] !== CONTROL_MAGIC) {
    throw new EngineError(ErrorCode.InvalidArgument, 'the control buffer of the handle is not one');
  }
  const version = words[ControlWord.Version]!;
  if (version !== CONTROL_VERSION || words[ControlWord.Slots] !== MAX_THREADS) throw otherVersion(version);
  if (shared.byteLength !== CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT) {
    throw new EngineError(ErrorCode.InvalidArgument, 'the control buffer of the handle has the wrong size');
  }
}

export function otherVersion(version: unknown): EngineError {
  return new EngineError(
    ErrorCode.NotSupported,
    `the handle is of version ${String(version)} and this thread runs version ${CONTROL_VERSION}: both must load the same release`,
  );
}
