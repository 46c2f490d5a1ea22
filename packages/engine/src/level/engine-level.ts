import type { AbstractSublevelOptions } from 'abstract-level';
import type {
  CheckpointOptions,
  CheckpointReport,
  MasterRoot,
  VerifyOptions,
  VerifyReport,
} from '../public/public-types.ts';
import { bytesOf } from './encoded.ts';
import type { LevelControl, LevelStore } from './level-store.ts';
import type {
  ArenaSublevel,
  BatchOperation,
  BatchOptions,
  CompactRangeOptions,
  DelOptions,
  HasOptions,
  PutOptions,
  StartEndOptions,
} from './level-types.ts';
import { StoreLevel } from './store-level.ts';
import { batchNow, delNow, hasNow, putNow, type TwinHost } from './twins.ts';

/** What the engine has beyond abstract-level, alike in the thread that has the store open and in one that is attached to it. */
export abstract class EngineLevel<
  TStore extends LevelStore,
  TOpenOptions extends object,
  KDefault,
  VDefault,
> extends StoreLevel<TStore, TOpenOptions, KDefault, VDefault> {
  putSync(key: KDefault, value: VDefault): void;
  putSync<K = KDefault, V = VDefault>(key: K, value: V, options: PutOptions<K, V>): void;
  putSync(key: unknown, value: unknown, options?: PutOptions<unknown, unknown>): void {
    putNow(this.#twinHost, key, value, options);
  }

  delSync(key: KDefault): void;
  delSync<K = KDefault>(key: K, options: DelOptions<K>): void;
  delSync(key: unknown, options?: DelOptions<unknown>): void {
    delNow(this.#twinHost, key, options);
  }

  batchSync(operations: BatchOperation<this, KDefault, VDefault>[]): void;
  batchSync<K = KDefault, V = VDefault>(
    operations: BatchOperation<this, K, V>[],
    options: BatchOptions<K, V>,
  ): void;
  batchSync(operations: unknown, options?: BatchOptions<unknown, unknown>): void {
    batchNow(this.#twinHost, operations, options);
  }

  hasSync(key: KDefault): boolean;
  hasSync<K = KDefault>(key: K, options: HasOptions<K>): boolean;
  hasSync(key: unknown, options?: HasOptions<unknown>): boolean {
    return hasNow(this.#twinHost, key, options);
  }

  override sublevel(name: string | string[]): ArenaSublevel<this>;
  override sublevel<K = string, V = string>(
    name: string | string[],
    options: AbstractSublevelOptions<K, V>,
  ): ArenaSublevel<this, K, V>;
  override sublevel(name: string | string[], options?: object): unknown {
    return super.sublevel(name, options as object);
  }

  /** About how many bytes the keys from `start` up to `end`, which is not included, take in tables. */
  approximateSize(start: KDefault, end: KDefault): Promise<number>;
  approximateSize<K = KDefault>(start: K, end: K, options: StartEndOptions<K>): Promise<number>;
  async approximateSize(...bounds: [unknown, unknown, StartEndOptions<unknown>?]): Promise<number> {
    checkBounds(bounds);
    return await this.whenOpen('approximateSize', (store) => {
      const encoding = this.keyEncoding(bounds[2]?.keyEncoding as 'utf8');
      return store.approximateSize(
        bytesOf(encoding.encode(bounds[0] as string)),
        bytesOf(encoding.encode(bounds[1] as string)),
      );
    });
  }

  /**
   * Compacts everything between two keys, both included, into the deepest level that has any of it, and flushes first. Null for a
   * bound: there is none.
   */
  compactRange(start: KDefault | null, end: KDefault | null): Promise<void>;
  compactRange<K = KDefault>(start: K | null, end: K | null, options: CompactRangeOptions<K>): Promise<void>;
  async compactRange(...bounds: [unknown, unknown, CompactRangeOptions<unknown>?]): Promise<void> {
    checkBounds(bounds);
    const [start, end, { keyEncoding, signal, onProgress } = {}] = bounds;
    await this.#controlled('compactRange', (control) => {
      const encoding = this.keyEncoding(keyEncoding as 'utf8');
      const encoded = (bound: unknown): Uint8Array | undefined =>
        bound == null ? undefined : bytesOf(encoding.encode(bound as string));
      return control.compactRange(encoded(start), encoded(end), {
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
      });
    });
  }

  /** Brings everything written so far to tables: it survives a crash of the machine. */
  flush(): Promise<void> {
    return this.#controlled('flush', (control) => control.flush());
  }

  /** The hash over all committed tables and the last sequence number it covers; what is in MemDBs is not in it. */
  masterRoot(): Promise<MasterRoot> {
    return this.#controlled('masterRoot', (control) => control.masterRoot());
  }

  /** Reads every table and recomputes its root from the data blocks, in a worker; reports each that differs. */
  verify(options?: VerifyOptions): Promise<VerifyReport> {
    return this.#controlled('verify', (control) => control.verify(options));
  }

  /** Makes a database of its own in another directory, which must be empty or not there yet, while this one goes on. */
  checkpoint(directory: string, options?: CheckpointOptions): Promise<CheckpointReport> {
    return this.#controlled('checkpoint', (control) => control.checkpoint(directory, options));
  }

  /** Where of a store the rare things are asked for. */
  protected abstract controlOf(store: TStore): LevelControl;

  protected async whenOpen<T>(method: string, call: (store: TStore) => Promise<T>): Promise<T> {
    if (this.status === 'opening') return await this.deferAsync(() => this.whenOpen(method, call));
    return await call(this.openStore(method));
  }

  #controlled<T>(method: string, call: (control: LevelControl) => Promise<T>): Promise<T> {
    return this.whenOpen(method, (store) => call(this.controlOf(store)));
  }

  get #twinHost(): TwinHost {
    return this as unknown as TwinHost;
  }
}

function checkBounds(bounds: readonly unknown[]): void {
  if (bounds.length < 2) throw new TypeError("The arguments 'start' and 'end' are required");
}
