/** A store on disk whose tables are built by worker threads, and what must be true of it whatever they do. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { arenaBudget, type OpenModules, type OpenOptions, open, type Store } from 'arena-level/engine';
import { ClassicLevel } from 'classic-level';
import { expect } from 'vitest';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { openFilesIn } from '../support/descriptors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import { MISBEHAVING_WORKER } from './misbehaviour.ts';

/** Room for a few hundred entries. */
export const ARENA_BYTES = 64 * 1024;
/** Longer than any retry waits, and as long as closing has patience. */
const LONG_MS = 30_000;

export class WorkerStore {
  readonly directory: string;
  readonly store: Store;
  readonly clock: ManualClock;
  /** What was acknowledged. */
  readonly expected = new Map<string, string>();

  private constructor(directory: string, store: Store, clock: ManualClock) {
    this.directory = directory;
    this.store = store;
    this.clock = clock;
  }

  static async open(directory: string, options: OpenOptions, modules: OpenModules): Promise<WorkerStore> {
    const clock = new ManualClock();
    const store = await open(
      directory,
      { writeBufferSize: ARENA_BYTES, workerUrl: MISBEHAVING_WORKER, ...options },
      { clock, ...modules },
    );
    return new WorkerStore(directory, store, clock);
  }

  /** Writes `count` keys from number `from` on, each with a value of this generation. */
  async write(from: number, count: number, generation: string): Promise<void> {
    for (let n = from; n < from + count; n++) {
      const key = `key-${String(n).padStart(5, '0')}`;
      const value = `${generation} of ${n} `.padEnd(100, '.');
      await this.store.put(bytes(key), bytes(value));
      this.expected.set(key, value);
    }
  }

  /** Time passes, so that whatever waits to be tried again is. */
  passTime(): void {
    this.clock.advance(LONG_MS);
  }

  /** Closes, with all the time in the world. */
  async close(): Promise<void> {
    let closed = false;
    const closing = this.store.close().finally(() => {
      closed = true;
    });
    while (!closed) {
      this.passTime();
      await new Promise(setImmediate);
    }
    await closing;
  }

  expectContents(): void {
    expectSame(readContents(this.store), this.expected);
  }

  /** By this engine, which cleans up, and by LevelDB, after it was closed. */
  async expectContentsAfterReopen(): Promise<void> {
    const again = await open(this.directory, { flush: 'inline' });
    expectSame(readContents(again), this.expected);
    const tables = again.stats().levels.reduce((sum, level) => sum + level.tables, 0);
    const { differing } = await again.verify();
    expect(differing).toEqual([]);
    await again.close();
    const names = readdirSync(this.directory);
    expect(names.filter((name) => name.endsWith('.dbtmp'))).toEqual([]);
    expect(names.filter((name) => name.endsWith('.ldb'))).toHaveLength(tables);
    await this.#expectContentsInLevelDb();
  }

  async #expectContentsInLevelDb(): Promise<void> {
    const db = new ClassicLevel<string, string>(this.directory, { createIfMissing: false });
    const found = new Map<string, string>();
    for await (const [key, value] of db.iterator()) found.set(key, value);
    await db.close();
    expectSame(found, this.expected);
  }
}

function expectSame(found: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): void {
  // Texts, since maps of some size make a failure unreadable, and slow.
  expect(contentsText(found) === contentsText(expected), 'the contents are those that were written').toBe(
    true,
  );
}

/** Runs a test on a store; afterwards no file of it is open, and no arena is charged for that was not before. */
export async function withWorkerStore(
  { options = {}, modules = {} }: { readonly options?: OpenOptions; readonly modules?: OpenModules },
  use: (store: WorkerStore) => Promise<void>,
): Promise<void> {
  const { usedBytes } = arenaBudget();
  const directory = join(temporaryDirectory(), 'store');
  const store = await WorkerStore.open(directory, options, modules);
  try {
    await use(store);
  } finally {
    // A second close does nothing: this one is for a test that failed.
    await store.close();
  }
  expect(openFilesIn(directory)).toEqual([]);
  expect(arenaBudget().usedBytes).toBe(usedBytes);
}
