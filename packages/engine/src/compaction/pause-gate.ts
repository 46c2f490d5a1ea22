/**
 * Keeps compactions from taking a core away from flushes.
 *
 * While a flush runs and no core is free, the compactions of this thread's stores are paused: a flush frees memory
 * that writers wait for. A store whose level 0 is at its slowdown trigger is left out, since there compaction is what
 * writers wait for; so is one that has nothing to pause. Looked at whenever something of that changes.
 *
 * One gate per thread: its stores share the cores. Main thread only.
 */
import { availableParallelism } from 'node:os';
import type { CompactionHandle } from '@arena-level/common/protocol/compaction-control';

/** A store, as the gate sees it. */
export interface GateMember {
  /** Builds of tables that run on other threads. */
  flushes(): number;
  /** Compactions that run on other threads. */
  compactions(): readonly CompactionHandle[];
  /** Whether writers wait for compaction. */
  isUrgent(): boolean;
}

export class PauseGate {
  readonly #cores: number;
  readonly #members = new Set<GateMember>();
  /** Compactions that are paused now. */
  readonly #paused = new Set<CompactionHandle>();
  /** How often a compaction was paused. */
  pauses = 0;

  constructor(cores: number) {
    this.#cores = cores;
  }

  /** Returns what takes the member off again. */
  add(member: GateMember): () => void {
    this.#members.add(member);
    return () => {
      this.#members.delete(member);
      this.update();
    };
  }

  /** A flush or a compaction has begun or ended, or a store has become urgent or is not any more. */
  update(): void {
    let flushes = 0;
    let compactions = 0;
    for (const member of this.#members) {
      flushes += member.flushes();
      compactions += member.compactions().length;
    }
    // The thread that all of them serve has a core, too.
    const isCrowded = flushes > 0 && 1 + flushes + compactions > this.#cores;
    const running = new Set<CompactionHandle>();
    for (const member of this.#members) {
      const pauses = isCrowded && !member.isUrgent();
      for (const handle of member.compactions()) {
        running.add(handle);
        if (pauses) this.#pause(handle);
        else this.#resume(handle);
      }
    }
    for (const handle of this.#paused) if (!running.has(handle)) this.#paused.delete(handle);
  }

  #pause(handle: CompactionHandle): void {
    if (this.#paused.has(handle)) return;
    this.#paused.add(handle);
    this.pauses++;
    handle.pause();
  }

  #resume(handle: CompactionHandle): void {
    if (this.#paused.delete(handle)) handle.resume();
  }
}

/** Of this thread: module state is per thread. */
export const threadPauseGate: PauseGate = new PauseGate(availableParallelism());
