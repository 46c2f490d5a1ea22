import type { Clock } from '@arena-level/common/base/clock';
import { asError } from '@arena-level/common/base/errors';
import type { EventSink } from '../events/event-sink.ts';
import type { FlushCoordinator } from '../flush/flush-coordinator.ts';
import type { Health } from '../health/health.ts';
import { passesByItself } from '../health/passing.ts';
import { retryDelayMs } from '../health/retry-delay.ts';
import type { LiveJournal } from '../journal/live-journal.ts';
import type { MemtableSet } from '../memtable/memtable-set.ts';
import type { Rotation } from '../memtable/rotation.ts';

export interface HealerModules {
  readonly memtables: MemtableSet;
  readonly rotation: Rotation;
  readonly flush: FlushCoordinator;
  readonly health: Health;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Writers may go on. */
  readonly onHealed: () => void;
  /** Writers that wait are refused. */
  readonly onStopped: (error: unknown) => void;
}

/**
 * Makes the store whole again after a failure of the write side. The arenas hold every acknowledged write, so a
 * failed journal is not needed: a record that was not written whole is cut off it, a new journal takes its place,
 * every memtable is flushed to a synced table, oldest first, beyond the limit of frozen ones if need be, and the
 * commits remove the bad journal. Meanwhile writes queue, and blocking ones are refused.
 *
 * When that fails too, writes stop with the first cause. Causes that pass are tried again after 1, 2, 4, 8, 8, … s;
 * others when `resume` asks.
 */
export class Healer {
  readonly #modules: HealerModules;
  #running: Promise<void> | undefined;
  #attempts = 0;
  #cancelRetry: (() => void) | undefined;

  constructor(modules: HealerModules) {
    this.#modules = modules;
  }

  /** A write or a sync of a journal failed. */
  journalFailed(error: unknown): void {
    const { health } = this.#modules;
    if (health.state !== 'healthy') return;
    health.heal(error);
    this.#attempts = 0;
    this.#start(error);
  }

  /** Flushing failed for a cause that does not pass by itself. */
  flushFailed(error: unknown): void {
    if (this.#running !== undefined) return; // Its own flush: it hears of the failure itself.
    this.#stop(error);
  }

  /** Resolves when the healing under way has ended well; at once when there is none and the store is healthy. */
  healed(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    const { health } = this.#modules;
    return health.state === 'healthy' ? Promise.resolve() : Promise.reject(health.refusal());
  }

  /** Tries again now. Rejects with the cause when it fails again. */
  resume(): Promise<void> {
    const { health } = this.#modules;
    if (this.#running !== undefined || health.state === 'healthy') return this.healed();
    health.checkOpen();
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const cause = health.cause;
    health.heal(cause);
    this.#attempts = 0;
    return this.#start(cause);
  }

  close(): void {
    this.#cancelRetry?.();
  }

  /** Resolves when nothing is running here. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  #start(cause: unknown): Promise<void> {
    const { health, events, clock, onHealed } = this.#modules;
    const began = clock.now();
    events.emit('healing-started', { error: asError(cause) });
    const running = this.#heal().then(
      () => {
        this.#running = undefined;
        health.recover();
        events.emit('healed', { durationMs: clock.now() - began });
        onHealed();
      },
      (error: unknown) => {
        this.#running = undefined;
        this.#stop(error);
        throw health.refusal();
      },
    );
    running.catch(() => {
      // Whoever waits for it hears of it; nobody may.
    });
    this.#running = running;
    return running;
  }

  async #heal(): Promise<void> {
    const { memtables, rotation, flush, health } = this.#modules;
    // Until all journals are sound: the active one may fail while those before it are on their way to tables.
    do {
      const { journal } = memtables.active;
      if (journal.failure !== undefined) {
        await endWrites(journal);
        rotation.rotate(memtables, 0, 0, 'healing');
      }
      health.checkOpen();
      flush.retry();
      await flush.committed();
    } while (memtables.active.journal.failure !== undefined);
  }

  #stop(error: unknown): void {
    const { health, clock, events, onStopped } = this.#modules;
    if (health.state === 'closed') return;
    health.stop(error);
    events.emit('writes-stopped', { error: asError(error) });
    onStopped(health.refusal());
    if (!passesByItself(error)) return;
    const delayMs = retryDelayMs(++this.#attempts);
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(delayMs, () => {
      this.#cancelRetry = undefined;
      if (health.state !== 'stopped') return;
      health.heal(error);
      this.#start(error).catch(() => {});
    });
  }
}

/**
 * Waits for a write to the journal that is still in the pool, which belongs to the memtable that the journal is
 * paired with, and cuts off a record that was not written whole. Cutting is best effort: the commit removes the
 * journal anyway, and until then nothing behind it is acknowledged.
 */
async function endWrites(journal: LiveJournal): Promise<void> {
  await journal.writer.idle();
  if (journal.syncFailed) return;
  try {
    journal.cutTornRecordNow();
  } catch {
    // The torn record stays; replay ends before it.
  }
}
