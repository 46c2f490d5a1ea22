/**
 * Gathers records into batches and hands them to a database: what the Node and the web form of an ingest stream share.
 *
 * A batch goes out when the next record would make it too large, when its first record has waited for `batchMs`, and at the
 * end. At most `maxInFlight` are under way, beside the one that is being gathered: those bytes are all that is held.
 *
 * A batch that goes out for its size leaves a record behind that begins the next one. So there is always a last batch to
 * sync at the end, unless what waited went out for its time: such a batch is synced where the end is to be.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { Store } from '../db/store.ts';
import type { ResolvedIngestOptions } from './ingest-options.ts';
import { bytesOf, operationOf } from './ingest-record.ts';
import type { IngestDatabase, IngestOperation } from './stream-database.ts';

export class IngestPump<K, V> {
  readonly #database: IngestDatabase<K, V>;
  readonly #options: ResolvedIngestOptions;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  readonly #takesBytes: boolean;
  #records = 0;
  #gathered: IngestOperation<K, V>[] = [];
  #gatheredBytes = 0;
  #inFlight = 0;
  #cancelTimer: (() => void) | undefined;
  /** The time of what was gathered is over, and no batch can go out. */
  #isDue = false;
  #failure: { readonly error: unknown } | undefined;
  /** Called when a batch has ended. */
  #waiters: (() => void)[] = [];

  /** `onFailure`: a batch has failed; called once, also where a call of `add` or `end` is told of it. */
  constructor(
    database: IngestDatabase<K, V>,
    options: ResolvedIngestOptions,
    clock: Clock,
    onFailure: (error: unknown) => void,
  ) {
    this.#database = database;
    this.#options = options;
    this.#clock = clock;
    this.#onFailure = onFailure;
    this.#takesBytes = (database as unknown) instanceof Store;
  }

  /** Takes a record. A promise is returned where there is no room: it resolves when the record has been taken. */
  add(record: unknown): Promise<void> | undefined {
    const operation = operationOf<K, V>(record, this.#records, this.#takesBytes);
    this.#records++;
    if (this.#failure !== undefined) throw this.#failure.error;
    const bytes = bytesOf(operation);
    if (this.#gathered.length > 0 && this.#gatheredBytes + bytes > this.#options.batchBytes) {
      if (this.#inFlight === this.#options.maxInFlight) return this.#addLater(operation, bytes);
      this.#send(this.#options.sync);
    }
    this.#gather(operation, bytes);
    return undefined;
  }

  /** Resolves when everything is written and as durable as asked. */
  async end(): Promise<void> {
    const { durability, sync } = this.#options;
    this.#forgetTimer();
    await this.#untilBelow(1);
    if (this.#gathered.length > 0) this.#send(sync || durability === 'synced');
    await this.#untilBelow(1);
    if (durability === 'flushed') await this.#database.flush!();
  }

  /** Nothing that has not been handed to the database will be. Resolves when nothing is under way any more. */
  async stop(error: unknown): Promise<void> {
    this.#failure ??= { error };
    this.#drop();
    while (this.#inFlight > 0) await this.#batchEnd();
  }

  async #addLater(operation: IngestOperation<K, V>, bytes: number): Promise<void> {
    await this.#untilBelow(this.#options.maxInFlight);
    if (this.#gathered.length > 0) this.#send(this.#options.sync);
    this.#gather(operation, bytes);
  }

  #gather(operation: IngestOperation<K, V>, bytes: number): void {
    this.#gathered.push(operation);
    this.#gatheredBytes += bytes;
    if (this.#gathered.length > 1 || this.#options.batchMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#clock.after(this.#options.batchMs, () => {
      this.#cancelTimer = undefined;
      this.#isDue = true;
      this.#sendDue();
    });
  }

  #sendDue(): void {
    const { sync, durability, maxInFlight } = this.#options;
    if (this.#isDue && this.#inFlight < maxInFlight) this.#send(sync || durability === 'synced');
  }

  #send(sync: boolean): void {
    const operations = this.#gathered;
    this.#drop();
    this.#inFlight++;
    this.#write(operations, sync).then(
      () => this.#ended(),
      (error: unknown) => {
        const isFirst = this.#failure === undefined;
        this.#failure ??= { error };
        this.#drop();
        this.#ended();
        if (isFirst) this.#onFailure(error);
      },
    );
  }

  async #write(operations: IngestOperation<K, V>[], sync: boolean): Promise<void> {
    await this.#database.batch(operations, { sync });
  }

  #ended(): void {
    this.#inFlight--;
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#sendDue();
  }

  #drop(): void {
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#forgetTimer();
  }

  #forgetTimer(): void {
    this.#isDue = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Throws what failed meanwhile. */
  async #untilBelow(inFlight: number): Promise<void> {
    while (this.#failure === undefined && this.#inFlight >= inFlight) await this.#batchEnd();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #batchEnd(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}
