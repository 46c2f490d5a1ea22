/** Writers that never stop, on a store whose compactions are slow: what they wait for, and what it costs. */
import { ErrorCode, type OpenOptions } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { nextTurn, settle } from '../support/eventually.ts';
import { bytes } from '../support/text-bytes.ts';
import { CompactingStore } from './compacting-store.ts';

const PAUSE = 8;
const MAX_FROZEN = 2;
const MAX_PENDING = 64 * 1024;
/** Deeper levels that are always over their sizes, so that level 0 is not alone. */
const OVERLOADED: OpenOptions = {
  writeBufferSize: 4096,
  maxFrozenMemtables: MAX_FROZEN,
  maxPendingBytes: MAX_PENDING,
  level1Size: 4096,
  levelSizeMultiplier: 2,
  level0CompactionTrigger: 4,
  level0SlowdownTrigger: 6,
  level0PauseTrigger: PAUSE,
};
/** Turns of the event loop that a compaction takes, and milliseconds that a turn takes. */
const COMPACTION_TURNS = 12;
const TURN_MS = 2;

/** Goes on turn by turn, answering each compaction after a while, and looks at the bounds of the store every time. */
class Overload {
  readonly store: CompactingStore;
  readonly bounds = { level0: 0, arenas: 0, pending: 0, pressure: 0 };
  readonly #commits = { level0: 0, all: 0 };
  #traced = 0;
  #turnsLeft = COMPACTION_TURNS;

  constructor(store: CompactingStore) {
    this.store = store;
  }

  /** Compactions that were committed so far, of level 0 and of all. One that only moves a table holds nobody up. */
  commits(): { level0: number; all: number } {
    const { trace } = this.store.held;
    for (; this.#traced < trace.length; this.#traced++) {
      const { name, details } = trace[this.#traced]!;
      if (name !== 'compaction-finished' || details.bytesRead === 0) continue;
      this.#commits.all++;
      if (details.level === 0) this.#commits.level0++;
    }
    return { ...this.#commits };
  }

  async turn(): Promise<void> {
    await nextTurn();
    this.store.held.clock.advance(TURN_MS);
    const [compaction] = this.store.compactions;
    if (compaction !== undefined && --this.#turnsLeft <= 0) {
      this.#turnsLeft = COMPACTION_TURNS;
      compaction.finish();
    }
    this.#look();
  }

  #look(): void {
    const { bounds } = this;
    const { levels, arenas, writes, pressure } = this.store.store.stats();
    bounds.level0 = Math.max(bounds.level0, levels[0]!.tables);
    bounds.arenas = Math.max(bounds.arenas, arenas.inUse);
    bounds.pending = Math.max(bounds.pending, writes.pendingBytes);
    bounds.pressure = Math.max(bounds.pressure, pressure);
  }

  /** Writers have stopped: everything comes to rest, and nothing presses any more. */
  async expectRest(): Promise<void> {
    this.store.held.executor.releaseCompactions();
    await this.store.store.settled();
    await settle();
    expect(this.store.store.stats()).toMatchObject({ pressure: 0, writes: { pendingBytes: 0 } });
    this.store.expectTidy();
    this.store.expectContents();
    await this.store.expectContentsAfterReopen();
  }
}

test('no write waits for more than the compaction under way and one of level 0; memory is bounded', async () => {
  const overload = new Overload(await CompactingStore.open(OVERLOADED));
  const { store } = overload;
  const WRITERS = 30;
  const WRITES = 120;
  let running = WRITERS;
  const most = { level0: 0, all: 0 };
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < WRITES; n++) {
      const before = overload.commits();
      await store.put((writer * 37 + n * 101) % 1500);
      const { level0, all } = overload.commits();
      most.level0 = Math.max(most.level0, level0 - before.level0);
      most.all = Math.max(most.all, all - before.all);
    }
    running--;
  };
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
  let turns = 0;
  for (; running > 0 && turns < 20_000; turns++) await overload.turn();
  await Promise.all(writers);

  expect(overload.commits().level0).toBeGreaterThan(8);
  const { stalls } = store.store.stats();
  expect(stalls['level0-slowdown'].count).toBeGreaterThan(0);
  expect(most.level0).toBeLessThanOrEqual(1);
  expect(most.all).toBeLessThanOrEqual(2);
  expect(overload.bounds.level0).toBeLessThanOrEqual(PAUSE + MAX_FROZEN);
  expect(overload.bounds.arenas).toBeLessThanOrEqual(MAX_FROZEN + 1);
  expect(overload.bounds.pending).toBeLessThanOrEqual(MAX_PENDING);
  await overload.expectRest();
});

test('writers that issue more than may wait are refused what is over, and pressure tells them', async () => {
  const overload = new Overload(await CompactingStore.open(OVERLOADED));
  const { store } = overload;
  const answers: Promise<unknown>[] = [];
  let refused = 0;
  for (let turn = 0; turn < 300; turn++) {
    for (let n = 0; n < 40; n++) {
      const number = (turn * 40 + n) % 1500;
      const [key, value] = [`key-${String(number).padStart(6, '0')}`, `${turn} ${n} `.padEnd(100, '.')];
      answers.push(
        store.store.put(bytes(key), bytes(value)).then(
          () => void store.expected.set(key, value),
          ({ code }: { code: string }) => {
            expect(code).toBe(ErrorCode.WriteBacklog);
            refused++;
          },
        ),
      );
    }
    await overload.turn();
  }
  expect(refused).toBeGreaterThan(0);
  expect(overload.bounds.pressure).toBe(1);
  expect(overload.bounds.pending).toBeLessThanOrEqual(MAX_PENDING);
  expect(overload.bounds.arenas).toBeLessThanOrEqual(MAX_FROZEN + 1);
  expect(overload.bounds.level0).toBeLessThanOrEqual(PAUSE + MAX_FROZEN);
  let left = true;
  void Promise.all(answers).then(() => {
    left = false;
  });
  for (let turns = 0; left && turns < 20_000; turns++) await overload.turn();
  await Promise.all(answers);
  await overload.expectRest();
});

test('a blocking write compacts level 0 once at most, among others that do not block', async () => {
  const overload = new Overload(await CompactingStore.open(OVERLOADED));
  const { store } = overload;
  const { executor } = store.held;
  let most = 0;
  for (let turn = 0; turn < 400; turn++) {
    const issued = store.put(5000 + turn);
    for (let n = 0; n < 6; n++) {
      const before = executor.compactedNow;
      store.putSync((turn * 7 + n * 211) % 1500);
      most = Math.max(most, executor.compactedNow - before);
    }
    await issued;
    if (turn % 4 === 0) await overload.turn();
    // What was given up for a blocking write is answered by its thread.
    for (const compaction of [...store.compactions].slice(0, -1)) compaction.stop();
  }
  expect(executor.compactedNow).toBeGreaterThan(2);
  expect(most).toBe(1);
  expect(overload.bounds.level0).toBeLessThanOrEqual(2 * PAUSE);
  expect(overload.bounds.arenas).toBeLessThanOrEqual(MAX_FROZEN + 1);
  for (const compaction of [...store.compactions].slice(0, -1)) compaction.stop();
  await overload.expectRest();
});
