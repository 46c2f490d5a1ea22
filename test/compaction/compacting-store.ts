/** A store on this thread whose flushes are answered at once, and whose compactions wait until the test answers them. */
import type { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { OpenOptions } from 'arena-level/engine';
import { expect } from 'vitest';
import { contentsText, readContents } from '../crash/store-contents.ts';
import { eventually, settle } from '../support/eventually.ts';
import type { HeldCompaction } from '../support/held-executor.ts';
import { type HeldStore, type HeldStoreModules, openHeld, reopen } from '../support/held-store.ts';
import { bytes } from '../support/text-bytes.ts';

/** Tables and levels as small as they come. */
export const TINY_LEVELS: OpenOptions = {
  writeBufferSize: 64 * 1024,
  blockSize: 512,
  compression: 'none',
  maxFileSize: 4096,
  level1Size: 1024 * 1024,
  level0CompactionTrigger: 4,
  level0SlowdownTrigger: 6,
  level0PauseTrigger: 8,
};

export class CompactingStore {
  readonly held: HeldStore;
  readonly expected = new Map<string, string>();
  #written = 0;

  constructor(held: HeldStore) {
    this.held = held;
  }

  static async open(options: OpenOptions = {}, modules: HeldStoreModules = {}): Promise<CompactingStore> {
    const held = await openHeld({ ...TINY_LEVELS, ...options }, modules);
    held.executor.holds = false;
    held.executor.holdsCompactions = true;
    return new CompactingStore(held);
  }

  get store() {
    return this.held.store;
  }

  get memory(): MemoryStorage {
    return this.held.memory;
  }

  /** Parts that wait. */
  get compactions(): readonly HeldCompaction[] {
    return this.held.executor.compactions;
  }

  get tables(): number[] {
    return this.store.stats().levels.map((level) => level.tables);
  }

  /** One more table of level 0, with `count` keys from number `from` on, each with a value of its own. */
  async addTable(from = 0, count = 20, valueBytes = 100): Promise<void> {
    for (let n = from; n < from + count; n++) await this.put(n, valueBytes);
    await this.store.flush();
  }

  async put(number: number, valueBytes = 100): Promise<void> {
    const [key, value] = this.#entry(number, valueBytes);
    await this.store.put(bytes(key), bytes(value));
    this.expected.set(key, value);
  }

  putSync(number: number, valueBytes = 100): void {
    const [key, value] = this.#entry(number, valueBytes);
    this.store.putSync(bytes(key), bytes(value));
    this.expected.set(key, value);
  }

  /** As many tables as begin a compaction, which then waits. */
  async fillLevel0(tables = 4, valueBytes = 100): Promise<void> {
    for (let n = 0; n < tables; n++) await this.addTable(n * 5, 20, valueBytes);
    await settle();
  }

  /** Waits for a part of a compaction that is not answered yet. */
  async compaction(at = 0): Promise<HeldCompaction> {
    await eventually(() => this.compactions.length > at, 'a compaction begins');
    return this.compactions[at]!;
  }

  /** Files of tables, and of tables being written. */
  files(): string[] {
    return this.memory.fileNames().filter((name) => /\.(ldb|dbtmp)$/.test(name));
  }

  count(name: ReturnType<HeldStore['names']>[number]): number {
    return this.held.names().filter((other) => other === name).length;
  }

  /** At rest the tables of the version are the files there are. */
  expectTidy(): void {
    expect(this.files().filter((name) => name.endsWith('.dbtmp'))).toEqual([]);
    expect(this.files()).toHaveLength(this.tables.reduce((sum, tables) => sum + tables));
  }

  expectContents(): void {
    expect(contentsText(readContents(this.store))).toBe(contentsText(this.expected));
  }

  /** Closes, opens again, and finds everything: also in the blocks of every table. */
  async expectContentsAfterReopen(): Promise<void> {
    await this.store.close();
    const again = await reopen(this.memory, TINY_LEVELS);
    expect(contentsText(readContents(again))).toBe(contentsText(this.expected));
    expect((await again.verify()).differing).toEqual([]);
    const tables = again.stats().levels.reduce((sum, level) => sum + level.tables, 0);
    expect(this.files()).toHaveLength(tables);
    await again.close();
  }

  #entry(number: number, valueBytes: number): [string, string] {
    return [`key-${String(number).padStart(6, '0')}`, `${this.#written++} `.padEnd(valueBytes, '.')];
  }
}
