import { ClassicLevel } from 'classic-level';
import { bytes } from '../support/text-bytes.ts';
import type { Contender } from './contender.ts';
import type { Change, IteratorSpec } from './operations.ts';
import { rangeOptions, toModelEntry } from './our-contender.ts';
import { type ModelEntry, valueBytes } from './sorted-model.ts';

type Db = ClassicLevel<Uint8Array, Uint8Array>;
type DbSnapshot = ReturnType<Db['snapshot']>;
type DbIterator = ReturnType<Db['iterator']>;

/** Behind all keys. */
const LAST_KEY: Uint8Array = new Uint8Array(600).fill(0xff);

/** LevelDB itself, as small as it gets. */
export class LevelContender implements Contender {
  readonly name = 'LevelDB';
  readonly #db: Db;
  readonly #snapshots: DbSnapshot[] = [];
  readonly #iterators: DbIterator[] = [];
  /** Snapshots that iterators were opened on: those end with them, unlike ours, so they are kept until the next open. */
  readonly #used = new Set<DbSnapshot>();
  readonly #closing: Promise<void>[] = [];

  constructor(location: string) {
    this.#db = new ClassicLevel(location, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      writeBufferSize: 64 * 1024,
      maxFileSize: 2 ** 20,
      blockSize: 1024,
    });
  }

  async open(): Promise<void> {
    await this.#db.open();
  }

  async write(changes: readonly Change[], { sync }: { sync: boolean }): Promise<void> {
    const operations = changes.map(({ key, value }) =>
      value === undefined
        ? ({ type: 'del', key: bytes(key) } as const)
        : ({ type: 'put', key: bytes(key), value: valueBytes(value) } as const),
    );
    await this.#db.batch(operations, { sync });
  }

  openSnapshot(slot: number): void {
    this.#snapshots[slot] = this.#db.snapshot();
  }

  closeSnapshot(slot: number): void {
    const snapshot = this.#snapshots[slot]!;
    if (!this.#used.has(snapshot)) this.#closing.push(snapshot.close());
  }

  openIterator(slot: number, range: IteratorSpec, snapshot: number | undefined): void {
    if (snapshot !== undefined) this.#used.add(this.#snapshots[snapshot]!);
    this.#iterators[slot] = this.#db.iterator({ ...rangeOptions(range), ...this.#at(snapshot) });
  }

  async stepIterator(slot: number, steps: number): Promise<ModelEntry[]> {
    const iterator = this.#iterators[slot]!;
    const found: ModelEntry[] = [];
    while (found.length < steps) {
      const entries = await iterator.nextv(steps - found.length);
      if (entries.length === 0) break;
      for (const [key, value] of entries) found.push(toModelEntry([key as Uint8Array, value as Uint8Array]));
    }
    return found;
  }

  seekIterator(slot: number, target: string): void {
    this.#iterators[slot]!.seek(bytes(target));
  }

  closeIterator(slot: number): Promise<void> {
    return this.#iterators[slot]!.close();
  }

  getMany(keys: readonly string[], snapshot: number | undefined): Promise<(Uint8Array | undefined)[]> {
    return this.#db.getMany(keys.map(bytes), this.#at(snapshot));
  }

  async contents(reverse: boolean, snapshot: number | undefined): Promise<ModelEntry[]> {
    return (await this.#db.iterator({ reverse, ...this.#at(snapshot) }).all()).map(toModelEntry);
  }

  async flush(): Promise<void> {}

  async rotate(): Promise<void> {}

  async compact(start: string | undefined, end: string | undefined): Promise<void> {
    await this.#db.compactRange(bytes(start ?? ''), end === undefined ? LAST_KEY : bytes(end));
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.open();
  }

  async turn(): Promise<void> {}

  async finish(): Promise<void> {}

  async close(): Promise<void> {
    await Promise.all(this.#closing.splice(0));
    this.#used.clear();
    await this.#db.close();
  }

  #at(snapshot: number | undefined): { snapshot?: DbSnapshot } {
    return snapshot === undefined ? {} : { snapshot: this.#snapshots[snapshot]! };
  }
}
