/**
 * The order of writes: room (rotation) → journal → MemDB → acknowledge, for each group in turn.
 *
 * Closed groups and rotations wait in one queue. It moves at once unless it has to wait: for a frozen slot, for a
 * journal write in the pool, or for healing; whoever ends the wait calls `pump`. Blocking twins move the same queue
 * with `drainNow`, doing on this thread what it would wait for.
 *
 * INVARIANT: between a group's journal write and its insertion no rotation comes, so that a memtable and the
 * journal it is paired with hold the same writes.
 *
 * Main thread only.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import type { Health } from '../health/health.ts';
import type { StallTracker } from '../health/stall-tracker.ts';
import type { Turns } from '../iterator/turns.ts';
import { BATCH_HEADER_BYTES } from '../journal/batch-codec.ts';
import { ExclusiveWork } from './exclusive-work.ts';
import { JournalWritePolicy } from './journal-write-policy.ts';
import type { Level0Throttle } from './level0-throttle.ts';
import { needOf, notSynced, outcomeUnknown, type QueueItem, type RotationRequest } from './queue-items.ts';
import { WriteGroup } from './write-group.ts';
import { WriteRoom, type WriteRoomModules } from './write-room.ts';

export interface WriteQueueModules extends WriteRoomModules {
  readonly throttle: Level0Throttle;
  readonly health: Health;
  readonly stalls: StallTracker;
  readonly clock: Clock;
  readonly turns: Turns;
  /** A journal failed; called once per failure, before anyone hears of it. */
  readonly onJournalFailure: (error: unknown) => void;
  /** Resolves when the store has healed, rejects when it could not. */
  readonly healed: () => Promise<void>;
}

export interface WriteCounters {
  entries: number;
  /** Of batch records. */
  bytes: number;
  groups: number;
  journalBytes: number;
}

export class WriteQueue {
  readonly counters: WriteCounters = { entries: 0, bytes: 0, groups: 0, journalBytes: 0 };
  readonly #modules: WriteQueueModules;
  readonly #room: WriteRoom;
  /** Told of every group that leaves the queue, whatever became of it. */
  readonly #onGroupLeft: (group: WriteGroup) => void;
  readonly #policy = new JournalWritePolicy();
  readonly #items: QueueItem[] = [];
  /** The group at the head while its journal write is in the pool. */
  #pooled: WriteGroup | undefined;
  /** The greatest sequence number that readers see. */
  #lastSequence: number;
  /** Above every sequence number that was ever given out, the unacknowledged ones too. */
  #nextSequence: number;
  #onEmpty: (() => void)[] = [];
  /** The queue goes on by itself in the next turn. */
  #goesOn = false;
  /** True while a blocking twin moves the queue: it waits for nothing. */
  #drains = false;
  /** While something waits here the process is kept alive; undefined: nothing does. */
  #letGo: (() => void) | undefined;

  constructor(
    modules: WriteQueueModules,
    maxFrozenMemtables: number,
    lastSequence: number,
    onGroupLeft: (group: WriteGroup) => void,
  ) {
    this.#modules = modules;
    this.#room = new WriteRoom(modules, maxFrozenMemtables);
    this.#onGroupLeft = onGroupLeft;
    this.#lastSequence = lastSequence;
    this.#nextSequence = lastSequence + 1;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /**
   * Sequence numbers up to this one are used; `isVisible`: and readers see them. REQUIRES: exclusive work is at the head, and
   * the active memtable is empty.
   */
  passSequence(sequence: number, isVisible: boolean): void {
    this.#nextSequence = Math.max(this.#nextSequence, sequence + 1);
    if (!isVisible) return;
    const { active } = this.#modules.memtables;
    this.#lastSequence = sequence;
    active.lastSequence = sequence;
    active.memdb.passSequence(sequence);
  }

  push(item: QueueItem): void {
    this.#items.push(item);
  }

  /** Resolves when the queue has run empty. */
  empty(): Promise<void> {
    if (this.isEmpty) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** Moves the queue as far as it goes without waiting. Called whenever something it may wait for has changed. */
  pump(): void {
    this.#advance();
    if (this.isEmpty) this.#ranEmpty();
    else this.#letGo ??= this.#modules.clock.keepAlive();
  }

  /** Brings everything in the queue to its end on this thread. Throws when that cannot be done; the rest stays. */
  drainNow(): void {
    this.#takeOverPooledWrite();
    this.#drains = true;
    try {
      this.#drain();
    } finally {
      this.#drains = false;
    }
    this.#ranEmpty();
  }

  #drain(): void {
    const { health } = this.#modules;
    while (!this.isEmpty) {
      if (health.state !== 'healthy') throw health.refusal();
      const item = this.#items[0]!;
      if (item instanceof ExclusiveWork) {
        item.finishNow();
        this.#dequeue(item);
        continue;
      }
      this.#room.makeNow(needOf(item));
      if (this.#makeRoom(item) && this.#items[0] === item && item instanceof WriteGroup)
        this.#writeOnThread(item);
    }
  }

  /** Takes a group out again that was not begun. */
  withdraw(group: WriteGroup): void {
    const at = this.#items.indexOf(group);
    if (at < 0) return;
    this.#items.splice(at, 1);
    this.#onGroupLeft(group);
  }

  /**
   * Gives up waiting for a journal write that is still in the pool: the store is being closed and its disk hangs.
   * Returns the error of that group, whose outcome is unknown; undefined when there is none.
   */
  giveUpPooled(): EngineError | undefined {
    const group = this.#pooled;
    if (group === undefined) return undefined;
    this.#pooled = undefined;
    this.#dequeue(group);
    const error = outcomeUnknown('the disk did not answer until the store was closed');
    group.reject(error);
    return error;
  }

  /** Refuses everything that waits: nothing of it was written. */
  refuse(error: unknown): void {
    const head = this.#items[0];
    const isBegun = head instanceof ExclusiveWork && head.isBegun;
    const kept = this.#pooled === undefined && !isBegun ? 0 : 1;
    for (const item of this.#items.splice(kept)) {
      if (item instanceof WriteGroup) this.#onGroupLeft(item);
      item.reject(error);
    }
    if (kept === 0) this.#ranEmpty();
  }

  #advance(): void {
    const { health, stalls, turns, throttle } = this.#modules;
    for (let written = 0; !this.isEmpty; written++) {
      if (written > 0 && turns.isDue()) {
        this.#goOnNextTurn();
        return;
      }
      if (this.#pooled !== undefined) {
        stalls.begin('slow-journal');
        return;
      }
      const item = this.#items[0]!;
      // Work that was begun leaves when it has ended, whatever has become of the store meanwhile.
      const isBegun = item instanceof ExclusiveWork && item.isBegun;
      if (!isBegun && health.state !== 'healthy') {
        if (health.state === 'healing') stalls.begin('healing');
        return;
      }
      if (item instanceof ExclusiveWork) {
        if (!this.#isThrough(item)) return;
        continue;
      }
      if (item instanceof WriteGroup && throttle.holdsUp(() => this.pump())) {
        stalls.begin('level0-slowdown');
        return;
      }
      if (!this.#makeRoom(item)) return;
      if (this.#items[0] !== item || !(item instanceof WriteGroup)) continue;
      if (!this.#policy.useThread) {
        this.#writeInPool(item);
        return;
      }
      this.#writeOnThread(item);
    }
  }

  /** True when the work at the head has come to its end; until then everything behind it waits. */
  #isThrough(work: ExclusiveWork): boolean {
    if (work.begin(() => this.pump())) {
      this.#dequeue(work);
      return true;
    }
    if (this.#items.length > 1) this.#modules.stalls.begin('bulk-commit');
    return false;
  }

  /** A backlog is not written in one go: the event loop turns in between. */
  #goOnNextTurn(): void {
    this.#modules.stalls.end();
    if (this.#goesOn) return;
    this.#goesOn = true;
    setImmediate(() => {
      this.#goesOn = false;
      this.pump();
    });
  }

  #ranEmpty(): void {
    this.#modules.throttle.cancel();
    this.#modules.stalls.end();
    this.#letGo?.();
    this.#letGo = undefined;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  /**
   * Makes the memtable ready for the head of the queue, rotating when it does not fit. False when that has to wait.
   * A rotation request, and a group for which there is no memory or no journal, leave the queue here.
   */
  #makeRoom(item: WriteGroup | RotationRequest): boolean {
    const { stalls } = this.#modules;
    const need = needOf(item);
    let failure: unknown = this.#sequencesLeft(item);
    if (failure === undefined && this.#room.fits(need)) return true;
    const obstacle = failure === undefined ? this.#room.obstacle(need, this.#drains) : undefined;
    if (obstacle !== undefined) {
      failure = obstacle.failure;
      if (failure === undefined) {
        stalls.begin(obstacle.reason);
        return false;
      }
    }
    try {
      if (failure === undefined) {
        const frozen = this.#room.rotate(need);
        if (!(item instanceof WriteGroup)) {
          this.#dequeue(item);
          item.resolve(frozen);
        }
        return true;
      }
    } catch (error) {
      failure = error;
    }
    this.#dequeue(item);
    item.reject(failure);
    return true;
  }

  /** The error of a group for which there are no sequence numbers left; no store comes near it, a foreign one might. */
  #sequencesLeft(item: WriteGroup | RotationRequest): EngineError | undefined {
    // Beyond 2^53 - 1 sums are not exact, differences are.
    const left = MAX_SEQUENCE - this.#nextSequence + 1;
    if (!(item instanceof WriteGroup) || item.entries <= left) return undefined;
    return new EngineError(
      ErrorCode.TooLarge,
      `the store has used up its sequence numbers: ${this.#lastSequence} of ${MAX_SEQUENCE}`,
    );
  }

  #dequeue(item: QueueItem): void {
    this.#items.shift();
    if (item instanceof WriteGroup) this.#onGroupLeft(item);
  }

  #writeOnThread(group: WriteGroup): void {
    const { memtables, clock } = this.#modules;
    const { writer } = memtables.active.journal;
    group.seal(this.#nextSequence);
    const began = clock.now();
    try {
      writer.appendNow(group.bytes, 0, group.end);
    } catch (error) {
      this.#journalFailed(group, error);
      return;
    }
    this.#policy.recordDirect(group.end, clock.now() - began);
    this.#insert(group);
  }

  #writeInPool(group: WriteGroup): void {
    const { writer } = this.#modules.memtables.active.journal;
    group.seal(this.#nextSequence);
    this.#pooled = group;
    const ended = (error: unknown): void => {
      // A twin may have taken the write over meanwhile; then its outcome is known already.
      if (this.#pooled !== group) return;
      this.#pooled = undefined;
      this.#policy.recordPooled();
      if (error === undefined) {
        writer.commitPrepared();
        this.#insert(group);
      } else {
        this.#journalFailed(group, error);
      }
      this.pump();
    };
    try {
      writer.prepare(group.bytes, 0, group.end);
      writer.write().then(() => ended(undefined), ended);
    } catch (error) {
      queueMicrotask(() => ended(error));
    }
  }

  /** Repeats on this thread the journal write that is in the pool: same bytes, same place. */
  #takeOverPooledWrite(): void {
    const group = this.#pooled;
    if (group === undefined) return;
    this.#pooled = undefined;
    const { writer } = this.#modules.memtables.active.journal;
    try {
      writer.writeNow();
      writer.commitPrepared();
    } catch (error) {
      this.#journalFailed(group, error);
      return;
    }
    this.#insert(group);
  }

  /** The group is in the journal: insert, publish, acknowledge. */
  #insert(group: WriteGroup): void {
    const { active } = this.#modules.memtables;
    const { counters } = this;
    const lastSequence = this.#nextSequence + group.entries - 1;
    active.memdb.insert(group.bytes, BATCH_HEADER_BYTES, group.end, group.entries, this.#nextSequence);
    active.lastSequence = lastSequence;
    this.#nextSequence = lastSequence + 1;
    this.#lastSequence = lastSequence;
    counters.entries += group.entries;
    counters.bytes += group.recordBytes;
    counters.groups++;
    counters.journalBytes += group.end;
    this.#modules.throttle.charge(group.recordBytes);
    this.#dequeue(group);
    this.#acknowledge(group);
    if (group.wantsSync) this.#acknowledgeWhenDurable(group);
    this.#room.lookAhead(active);
  }

  /** Promises alone never let the event loop turn: after a while an answer waits for its next turn. */
  #acknowledge(group: WriteGroup): void {
    if (this.#modules.turns.isDue()) setImmediate(() => group.acknowledgeWritten());
    else group.acknowledgeWritten();
  }

  #acknowledgeWhenDurable(group: WriteGroup): void {
    const { durability, healed } = this.#modules;
    durability
      .reach()
      // The write is in an arena: healing brings that to a synced table, or leaves it in a journal that works.
      .catch(() => healed().then(() => durability.reach()))
      .then(
        () => group.acknowledgeDurable(),
        (error: unknown) => group.rejectDurable(notSynced(error)),
      );
  }

  #journalFailed(group: WriteGroup, cause: unknown): void {
    // The record may be on the disk: its sequence numbers are never used again.
    this.#nextSequence += group.entries;
    this.#dequeue(group);
    this.#modules.memtables.active.journal.failure ??= cause;
    this.#modules.onJournalFailure(cause);
    group.reject(outcomeUnknown(cause));
  }
}
