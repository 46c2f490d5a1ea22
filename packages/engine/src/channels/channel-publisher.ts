/**
 * Turns the events of a store into begins and ends on the channels. What has begun is kept also while nobody listens, one
 * small record for each flush, compaction, stall and trouble under way, so that a subscriber who comes in between gets
 * whole ends. A message is made only when somebody listens, and delivered behind the step that it tells of: a subscriber may
 * call any method of the store.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { EventSink, StoreTrace } from '../events/event-sink.ts';
import type { RotationReason, StallReason, StoreEventName, StoreEvents } from '../events/events.ts';
import { isHeard, newMessageId, publish } from './channels.ts';
import type {
  ChannelMessages,
  ChannelName,
  ClearMessage,
  CompactionMessage,
  FlushMessage,
  IngestMessage,
  WorkOutcome,
} from './messages.ts';
import { TroubleList } from './trouble-list.ts';

/** Something under way. */
interface Span<Details> {
  readonly id: number;
  readonly beganMs: number;
  readonly details: Details;
}

type Handlers = { readonly [N in StoreEventName]?: (details: StoreEvents[N]) => void };

export class ChannelPublisher {
  readonly #location: string;
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #troubles: TroubleList;
  /** By the journal of the MemDB: why it was frozen, until its flush has ended. */
  readonly #reasons = new Map<number, RotationReason>();
  /** By journal. */
  readonly #flushes = new Map<number, Span<StoreEvents['flush-started']>>();
  #compaction: Span<StoreEvents['compaction-started']> | undefined;
  /** By call. */
  readonly #clears = new Map<number, Span<StoreEvents['clear-started']>>();
  /** By call. */
  readonly #ingests = new Map<number, Span<StoreEvents['ingest-started']>>();
  /** By slot. */
  readonly #threads = new Map<number, Span<StoreEvents['thread-attached']> & { revoked: number }>();
  #stall: Span<{ readonly reason: StallReason }> | undefined;
  /** A rotation between its two events, which nothing comes between. */
  #rotation: Span<StoreEvents['memtable-frozen']> | undefined;

  constructor(location: string, clock: Clock, events: EventSink) {
    this.#location = location;
    this.#clock = clock;
    this.#events = events;
    this.#troubles = new TroubleList(location, clock, (message) =>
      this.#send('arena-level:error', () => message),
    );
    events.addTrace(this.#trace);
  }

  readonly #trace: StoreTrace = (name, details) => {
    const handler = this.#handlers[name] as ((details: unknown) => void) | undefined;
    if (handler === undefined) return;
    handler(details);
  };

  readonly #handlers: Handlers = {
    'memtable-frozen': (details) => {
      this.#reasons.set(details.journal, details.reason);
      this.#rotation = this.#span(details);
    },
    'memtable-installed': (details) => {
      this.#rotated(details);
      this.#troubles.pass('rotation');
    },
    'rotation-failed': ({ error, ...frozen }) => {
      const span = this.#span(frozen);
      const { reason, journal } = frozen;
      this.#send('arena-level:rotation', () => ({ ...this.#begin(span), ...frozen }));
      this.#send('arena-level:rotation', () => ({ ...this.#end(span, 'failed'), reason, journal, error }));
      this.#troubles.enter('rotation', error);
    },
    'flush-started': (details) => {
      this.#endFlush(details.journal, 'superseded');
      this.#beginFlush(details);
    },
    'flush-failed': ({ journal, error, retryInMs }) => {
      this.#endFlush(journal, 'failed', { error, retryInMs });
      this.#troubles.enter('flush', error, { retryInMs });
    },
    'flush-finished': ({ journal, table, sizeBytes, entries, dropped }) => {
      this.#endFlush(journal, 'committed', {
        ...(table === undefined ? {} : { table }),
        sizeBytes,
        entries,
        dropped,
      });
      this.#reasons.delete(journal);
      this.#troubles.pass('flush');
    },
    'compaction-started': (details) => this.#beginCompaction(details),
    'compaction-finished': ({ tables, bytesRead, bytesWritten, entries, dropped, pausedMs }) => {
      this.#endCompaction('committed', { tables, bytesRead, bytesWritten, entries, dropped, pausedMs });
      this.#troubles.pass('compaction');
    },
    'compaction-failed': ({ error, retryInMs }) => {
      this.#endCompaction('failed', { error, retryInMs });
      this.#troubles.enter('compaction', error, { retryInMs });
    },
    'compaction-superseded': () => this.#endCompaction('superseded'),
    'clear-started': (details) => {
      const span = this.#span(details);
      this.#clears.set(details.call, span);
      this.#send('arena-level:clear', () => ({ ...this.#begin(span), reason: details.reason }));
    },
    'range-cleared': ({ call, tables, bytes, tombstones }) =>
      this.#endClear(call, { outcome: 'cleared', tables, bytes, tombstones }),
    'clear-failed': ({ call, error }) => {
      this.#endClear(call, { outcome: 'failed', error });
      this.#troubles.note('clear', error);
    },
    'ingest-started': (details) => {
      const span = this.#span(details);
      this.#ingests.set(details.call, span);
      const { threads } = details;
      this.#send('arena-level:ingest', () => ({ ...this.#begin(span), reason: 'asked', threads }));
    },
    'ingest-finished': ({ call, path, entries, bytes, tables }) =>
      this.#endIngest(call, { outcome: 'stored', path, entries, bytes, tables }),
    'ingest-failed': ({ call, error }) => {
      this.#endIngest(call, { outcome: 'failed', error });
      this.#troubles.note('ingest', error);
    },
    'stall-begin': ({ reason }) => {
      const span = this.#span({ reason });
      this.#stall = span;
      this.#send('arena-level:stall', () => ({ ...this.#begin(span), reason }));
    },
    'stall-end': () => this.#endStall('over'),
    'thread-attached': (details) => {
      const { thread, slot, name } = details;
      const span = this.#span(details);
      this.#threads.set(slot, { ...span, revoked: 0 });
      this.#send('arena-level:thread', () => ({ ...this.#begin(span), reason: 'attached', thread, name }));
    },
    'thread-left': ({ slot, wasClosed }) => this.#endThread(slot, wasClosed ? 'detached' : 'ended'),
    'thread-revoked': ({ slot, ...details }) => {
      const span = this.#threads.get(slot);
      if (span !== undefined) span.revoked++;
      this.#troubles.note('thread', givenUp(details));
    },
    'cleanup-failed': ({ file, error }) => this.#troubles.note('cleanup', error, { file }),
    'healing-started': ({ error }) => this.#troubles.enter('journal', error),
    'writes-stopped': ({ error }) => this.#troubles.enter('writes-stopped', error),
    healed: () => {
      this.#troubles.pass('journal');
      this.#troubles.pass('writes-stopped');
    },
    closed: () => this.#endAll(),
  };

  #rotated({ journal: newJournal, capacityBytes, durationMs }: StoreEvents['memtable-installed']): void {
    const span = this.#rotation;
    this.#rotation = undefined;
    if (span === undefined) return;
    const { reason, journal, entries, bytes } = span.details;
    this.#send('arena-level:rotation', () => ({ ...this.#begin(span), reason, journal, entries, bytes }));
    this.#send('arena-level:rotation', () => ({
      ...this.#end(span, 'rotated'),
      reason,
      durationMs,
      journal,
      newJournal,
      capacityBytes,
    }));
  }

  #beginFlush(details: StoreEvents['flush-started']): void {
    const span = this.#span(details);
    this.#flushes.set(details.journal, span);
    this.#send('arena-level:flush', () => ({
      ...this.#begin(span),
      reason: this.#reasonOf(details.journal),
      ...details,
    }));
  }

  #endFlush(
    journal: number,
    outcome: WorkOutcome,
    more: Partial<Extract<FlushMessage, { phase: 'end' }>> = {},
  ): void {
    const span = this.#flushes.get(journal);
    if (span === undefined) return;
    this.#flushes.delete(journal);
    const { attempt, where } = span.details;
    const none = { sizeBytes: 0, entries: 0, dropped: 0 };
    const reason = this.#reasonOf(journal);
    this.#send('arena-level:flush', () => ({
      ...none,
      ...more,
      ...this.#end(span, outcome),
      reason,
      journal,
      attempt,
      where,
    }));
  }

  #reasonOf(journal: number): RotationReason {
    return this.#reasons.get(journal) ?? 'asked';
  }

  #beginCompaction(details: StoreEvents['compaction-started']): void {
    const span = this.#span(details);
    this.#compaction = span;
    this.#send('arena-level:compaction', () => ({ ...this.#begin(span), ...details }));
  }

  #endCompaction(
    outcome: WorkOutcome,
    more: Partial<Extract<CompactionMessage, { phase: 'end' }>> = {},
  ): void {
    const span = this.#compaction;
    if (span === undefined) return;
    this.#compaction = undefined;
    const { reason, level, outputLevel } = span.details;
    const none = { tables: 0, bytesRead: 0, bytesWritten: 0, entries: 0, dropped: 0, pausedMs: 0 };
    this.#send('arena-level:compaction', () => ({
      ...none,
      ...more,
      ...this.#end(span, outcome),
      reason,
      level,
      outputLevel,
    }));
  }

  #endClear(call: number, more: Partial<Extract<ClearMessage, { phase: 'end' }>>): void {
    const span = this.#clears.get(call);
    if (span === undefined) return;
    this.#clears.delete(call);
    const { reason } = span.details;
    const none = { tables: 0, bytes: 0, tombstones: 0 };
    this.#send('arena-level:clear', () => ({ ...none, ...this.#end(span, 'closed'), ...more, reason }));
  }

  #endIngest(call: number, more: Partial<Extract<IngestMessage, { phase: 'end' }>>): void {
    const span = this.#ingests.get(call);
    if (span === undefined) return;
    this.#ingests.delete(call);
    const none = { entries: 0, bytes: 0, tables: 0 };
    this.#send('arena-level:ingest', () => ({
      ...none,
      ...this.#end(span, 'closed'),
      ...more,
      reason: 'asked',
    }));
  }

  #endThread(slot: number, outcome: 'detached' | 'ended' | 'closed'): void {
    const span = this.#threads.get(slot);
    if (span === undefined) return;
    this.#threads.delete(slot);
    const { thread, name } = span.details;
    const { revoked } = span;
    const reason = 'attached';
    this.#send('arena-level:thread', () => ({ ...this.#end(span, outcome), reason, thread, name, revoked }));
  }

  #endStall(outcome: 'over' | 'closed'): void {
    const span = this.#stall;
    this.#stall = undefined;
    if (span === undefined) return;
    const { reason } = span.details;
    this.#send('arena-level:stall', () => ({ ...this.#end(span, outcome), reason }));
  }

  /** The store is closed: what was under way has ended with it. */
  #endAll(): void {
    for (const journal of [...this.#flushes.keys()]) this.#endFlush(journal, 'closed');
    this.#endCompaction('closed');
    for (const call of [...this.#clears.keys()]) this.#endClear(call, {});
    for (const call of [...this.#ingests.keys()]) this.#endIngest(call, {});
    for (const slot of [...this.#threads.keys()]) this.#endThread(slot, 'closed');
    this.#endStall('closed');
    this.#troubles.close();
  }

  #span<Details>(details: Details): Span<Details> {
    return { id: newMessageId(), beganMs: this.#clock.now(), details };
  }

  #begin({ id }: Span<unknown>): { phase: 'begin'; location: string; id: number } {
    return { phase: 'begin', location: this.#location, id };
  }

  #end<Outcome>(
    { id, beganMs }: Span<unknown>,
    outcome: Outcome,
  ): { phase: 'end'; location: string; id: number; outcome: Outcome; durationMs: number } {
    const durationMs = this.#clock.now() - beganMs;
    return { phase: 'end', location: this.#location, id, outcome, durationMs };
  }

  #send<N extends ChannelName>(name: N, message: () => ChannelMessages[N]): void {
    if (!isHeard(name)) return;
    const made = message();
    this.#events.deliver(() => publish(name, made));
  }
}

function givenUp({
  name,
  silentMs,
  snapshots,
  views,
}: Omit<StoreEvents['thread-revoked'], 'slot'>): EngineError {
  return new EngineError(
    ErrorCode.ThreadRevoked,
    `${name} kept ${snapshots} snapshots and ${views} old views and took no part for ${Math.round(silentMs)} ms`,
  );
}
