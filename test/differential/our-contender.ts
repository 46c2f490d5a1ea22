import { readdirSync } from 'node:fs';
import {
  ErrorCode,
  type OpenModules,
  type OpenOptions,
  open,
  type Snapshot,
  type Store,
} from 'arena-level/engine';
import { nextTurn } from '../support/eventually.ts';
import { bytes, text } from '../support/text-bytes.ts';
import type { Contender } from './contender.ts';
import type { Change, IteratorSpec } from './operations.ts';
import { type ModelEntry, valueBytes } from './sorted-model.ts';

/** What the compactions of a run did: whether it tested anything. */
export interface CompactionFigures {
  compactions: number;
  moves: number;
  dropped: number;
  blocksCopied: number;
  /** Compactions that several threads shared. */
  split: number;
  /** By level: compactions into it. */
  readonly into: number[];
}

/** Nothing that fails in the background is expected. */
const FAILURES = ['compaction-failed', 'flush-failed', 'cleanup-failed', 'writes-stopped'] as const;
const PATIENCE_MS = 10_000;

type StoreIterator = ReturnType<Store['iterator']>;
type Entry = NonNullable<Awaited<ReturnType<StoreIterator['next']>>>;

export class OurContender implements Contender {
  readonly name = 'this engine';
  readonly figures: CompactionFigures = emptyFigures();
  readonly #location: string;
  readonly #options: OpenOptions;
  readonly #modules: OpenModules;
  #store!: Store;
  readonly #snapshots: Snapshot[] = [];
  readonly #iterators: StoreIterator[] = [];
  #background: Promise<void>[] = [];
  #problems: unknown[] = [];
  #isClosing = false;

  constructor(location: string, options: OpenOptions, modules: OpenModules = {}) {
    this.#location = location;
    this.#options = options;
    this.#modules = modules;
  }

  async open(): Promise<void> {
    this.#isClosing = false;
    this.#store = await open(this.#location, this.#options, this.#modules);
    for (const name of FAILURES) {
      this.#store.on(name, (details) => this.#problems.push(new Error(`${name}: ${describe(details)}`)));
    }
    this.#store.on('compaction-started', ({ parts }) => {
      if (parts > 1) this.figures.split++;
    });
  }

  async write(
    changes: readonly Change[],
    { sync, blocks }: { sync: boolean; blocks: boolean },
  ): Promise<void> {
    const store = this.#store;
    if (changes.length === 1) {
      const { key, value } = changes[0]!;
      if (value === undefined)
        await (blocks ? store.delSync(bytes(key), { sync }) : store.del(bytes(key), { sync }));
      else if (blocks) store.putSync(bytes(key), valueBytes(value), { sync });
      else await store.put(bytes(key), valueBytes(value), { sync });
      return;
    }
    const operations = changes.map(({ key, value }) =>
      value === undefined
        ? ({ type: 'del', key: bytes(key) } as const)
        : ({ type: 'put', key: bytes(key), value: valueBytes(value) } as const),
    );
    if (blocks) store.batchSync(operations, { sync });
    else await store.batch(operations, { sync });
  }

  openSnapshot(slot: number): void {
    this.#snapshots[slot] = this.#store.snapshot();
  }

  closeSnapshot(slot: number): void {
    this.#snapshots[slot]!.close();
  }

  openIterator(slot: number, range: IteratorSpec, snapshot: number | undefined): void {
    this.#iterators[slot] = this.#store.iterator({ ...rangeOptions(range), ...this.#at(snapshot) });
  }

  async stepIterator(slot: number, steps: number, blocks: boolean): Promise<ModelEntry[]> {
    const iterator = this.#iterators[slot]!;
    const found: Entry[] = [];
    // Singly, or as many as it gives.
    const isSingle = steps % 2 === 1;
    while (found.length < steps) {
      const size = steps - found.length;
      let entries: readonly Entry[];
      if (isSingle) {
        const entry = blocks ? iterator.nextSync() : await iterator.next();
        entries = entry === undefined ? [] : [entry];
      } else {
        entries = blocks ? iterator.nextvSync(size) : await iterator.nextv(size);
      }
      if (entries.length === 0) break;
      found.push(...entries);
    }
    return found.map(toModelEntry);
  }

  seekIterator(slot: number, target: string): void {
    this.#iterators[slot]!.seek(bytes(target));
  }

  async closeIterator(slot: number): Promise<void> {
    this.#iterators[slot]!.close();
  }

  /** All at once, and one by one, blocking. */
  async getMany(keys: readonly string[], snapshot: number | undefined): Promise<(Uint8Array | undefined)[]> {
    const at = this.#at(snapshot);
    const found = await this.#store.getMany(keys.map(bytes), at);
    for (const [i, key] of keys.entries()) {
      const single = this.#store.getSync(bytes(key), at);
      const isSame =
        single === undefined
          ? found[i] === undefined
          : Buffer.compare(single, found[i] ?? single.slice(1)) === 0;
      if (!isSame) throw new Error(`getSync and getMany differ for ${JSON.stringify(key)}`);
      if (this.#store.hasSync(bytes(key), at) !== (single !== undefined)) {
        throw new Error(`hasSync and getSync differ for ${JSON.stringify(key)}`);
      }
    }
    return found;
  }

  async contents(reverse: boolean, snapshot: number | undefined): Promise<ModelEntry[]> {
    return [...this.#store.iterator({ reverse, ...this.#at(snapshot) })].map(toModelEntry);
  }

  async flush(): Promise<void> {
    await this.#store.flush();
  }

  async rotate(): Promise<void> {
    await this.#store.rotateMemtable({ waitForFlush: false });
  }

  async compact(start: string | undefined, end: string | undefined, awaited: boolean): Promise<void> {
    const [from, to] = [start, end].map((bound) => (bound === undefined ? undefined : bytes(bound)));
    const compaction = this.#store.compactRange(from, to);
    if (awaited) await compaction;
    else {
      const settled = compaction.catch((error: { code?: string }) => {
        if (!this.#isClosing || error.code !== ErrorCode.DatabaseNotOpen) this.#problems.push(error);
      });
      this.#background.push(settled);
    }
  }

  async reopen(): Promise<void> {
    await this.#close();
    await this.open();
  }

  async turn(): Promise<void> {
    await nextTurn();
    const [problem] = this.#problems;
    if (problem !== undefined) throw problem;
  }

  async finish(): Promise<void> {
    await Promise.all(this.#background.splice(0));
    await this.#requireSound();
    await this.#store.compactRange();
    await this.#requireSound();
    await this.turn();
    await this.#requireNoLeftovers();
  }

  async close(): Promise<void> {
    await this.#close();
    await this.turn();
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    this.#addFigures();
    await this.#store.close();
    await Promise.all(this.#background.splice(0));
  }

  #at(snapshot: number | undefined): { snapshot?: Snapshot } {
    return snapshot === undefined ? {} : { snapshot: this.#snapshots[snapshot]! };
  }

  async #requireSound(): Promise<void> {
    const { differing } = await this.#store.verify();
    if (differing.length > 0) throw new Error(`verify: ${JSON.stringify(differing)}`);
  }

  /** At rest there are the files of the version and no other tables. */
  async #requireNoLeftovers(): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const listed = this.#store.stats().levels.reduce((sum, { tables }) => sum + tables, 0);
      const there = this.#fileNames().filter((name) => /\.(ldb|sst|dbtmp)$/.test(name)).length;
      if (listed === there) return;
      if (performance.now() > until)
        throw new Error(`${there} table files at rest, and the version has ${listed}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #fileNames(): string[] {
    const { storage } = this.#modules;
    return storage !== undefined && 'fileNames' in storage
      ? (storage as unknown as { fileNames(): string[] }).fileNames()
      : readdirSync(this.#location);
  }

  #addFigures(): void {
    const { figures } = this;
    for (const [level, stats] of this.#store.stats().levels.entries()) {
      figures.compactions += stats.compactions;
      figures.moves += stats.moves;
      figures.dropped += stats.dropped;
      figures.blocksCopied += stats.blocksCopied;
      figures.into[level]! += stats.compactions + stats.moves;
    }
  }
}

export function emptyFigures(): CompactionFigures {
  return { compactions: 0, moves: 0, dropped: 0, blocksCopied: 0, split: 0, into: new Array(7).fill(0) };
}

export function rangeOptions({ reverse, limit, ...bounds }: IteratorSpec) {
  return {
    reverse,
    limit,
    ...(Object.fromEntries(Object.entries(bounds).map(([name, key]) => [name, bytes(key)])) as {
      readonly gt?: Uint8Array;
      readonly gte?: Uint8Array;
      readonly lt?: Uint8Array;
      readonly lte?: Uint8Array;
    }),
  };
}

export function toModelEntry([key, value]: readonly [
  Uint8Array | undefined,
  Uint8Array | undefined,
]): ModelEntry {
  return [text(key!), value!];
}

function describe(details: object): string {
  const { error } = details as { readonly error?: unknown };
  return `${JSON.stringify(details)} ${error instanceof Error ? error.stack : ''}`;
}
