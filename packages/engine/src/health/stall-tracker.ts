import type { Clock } from '@arena-level/common/base/clock';
import type { EventSink } from '../events/event-sink.ts';
import type { StallReason } from '../events/events.ts';
import type { StallStats } from '../public/stats.ts';

/** Counts the times in which writers wait, by reason, and announces their beginning and end. */
export class StallTracker {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #stats: Record<StallReason, { count: number; totalMs: number; maxMs: number }> = {
    'frozen-memtables': { count: 0, totalMs: 0, maxMs: 0 },
    healing: { count: 0, totalMs: 0, maxMs: 0 },
    'slow-journal': { count: 0, totalMs: 0, maxMs: 0 },
    'level0-slowdown': { count: 0, totalMs: 0, maxMs: 0 },
    'level0-pause': { count: 0, totalMs: 0, maxMs: 0 },
    'bulk-commit': { count: 0, totalMs: 0, maxMs: 0 },
  };
  #current: { readonly reason: StallReason; readonly since: number } | undefined;

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
  }

  get stats(): Readonly<Record<StallReason, StallStats>> {
    return structuredClone(this.#stats);
  }

  /** Writers wait for this reason from now on; the same again changes nothing. */
  begin(reason: StallReason): void {
    if (this.#current?.reason === reason) return;
    this.end();
    this.#current = { reason, since: this.#clock.now() };
    this.#stats[reason].count++;
    this.#events.emit('stall-begin', { reason });
  }

  end(): void {
    if (this.#current === undefined) return;
    const { reason, since } = this.#current;
    this.#current = undefined;
    const durationMs = this.#clock.now() - since;
    const stats = this.#stats[reason];
    stats.totalMs += durationMs;
    stats.maxMs = Math.max(stats.maxMs, durationMs);
    this.#events.emit('stall-end', { reason, durationMs });
  }
}
