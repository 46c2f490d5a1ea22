/** A store whose storage fails by plan, with a ledger of what its callers were told. */
import { isEngineError } from '@arena-level/common/base/errors';
import type { FaultPlan } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import {
  EngineError,
  ErrorCode,
  type OpenModules,
  type OpenOptions,
  open,
  type Store,
} from 'arena-level/engine';
import { readContents } from '../crash/store-contents.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes } from '../support/text-bytes.ts';
import { type Change, markerOf, WriteLedger } from './write-ledger.ts';

/** Arenas as small as they come, so that a few dozen writes fill one. */
export const TINY_STORE: OpenOptions = {
  flush: 'inline',
  writeBufferSize: 4096,
  maxFrozenMemtables: 2,
  blockSize: 512,
};

/** Turns of the event loop, each with a second of the store's time, after which work counts as hanging. */
const MAX_TURNS = 400;
const RETRY_STEP_MS = 1000;
const LONGEST_RETRY_MS = 8000;

export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export class FaultyStore {
  readonly memory = new MemoryStorage();
  readonly storage = new FaultStorage(this.memory);
  readonly clock = new ManualClock();
  readonly ledger = new WriteLedger();
  /** What went against a promise. */
  readonly problems: string[] = [];
  /** What callers were told, in order. */
  readonly errors: unknown[] = [];
  readonly #options: OpenOptions;
  readonly #pool: ((storage: FaultStorage) => OpenModules['pool']) | undefined;
  #store: Store | undefined;

  /** `pool`: what runs the tasks of threads over the storage that fails. */
  constructor(options: OpenOptions = TINY_STORE, pool?: (storage: FaultStorage) => OpenModules['pool']) {
    this.#options = options;
    this.#pool = pool;
  }

  /** The open store; undefined when an open failed, or after a close. */
  get store(): Store | undefined {
    return this.#store;
  }

  get #modules(): Pick<OpenModules, 'pool'> {
    const pool = this.#pool?.(this.storage);
    return pool === undefined ? {} : { pool };
  }

  /** Now, as the ledger counts. */
  get moment(): number {
    return this.memory.trace.entries.length;
  }

  install(plan: FaultPlan): void {
    this.storage.install(plan);
  }

  async open(): Promise<boolean> {
    const { storage, clock } = this;
    const writes = this.ledger.length;
    const outcome = await this.settle('open', () =>
      open(storage.location, this.#options, { storage, clock, ...this.#modules }),
    );
    if ('error' in outcome) return false;
    this.#store = outcome.value;
    // What was recovered is in tables.
    this.ledger.makeDurable(writes, this.moment);
    return true;
  }

  /** The store is closed afterwards, whatever the outcome. */
  async close(): Promise<boolean> {
    const store = this.#store!;
    const writes = this.ledger.length;
    const outcome = await this.settle('close', () => store.close());
    this.#store = undefined;
    if ('error' in outcome) return false;
    this.ledger.makeDurable(writes, this.moment);
    return true;
  }

  async flush(): Promise<boolean> {
    const writes = this.ledger.length;
    const outcome = await this.settle('flush', () => this.#store!.flush());
    if ('error' in outcome) return false;
    this.ledger.makeDurable(writes, this.moment);
    return true;
  }

  async compact(): Promise<boolean> {
    return 'value' in (await this.settle('compactRange', () => this.#store!.compactRange()));
  }

  async resume(): Promise<boolean> {
    return 'value' in (await this.settle('resume', () => this.#store!.resume()));
  }

  /** A write of its marker and more. Waits, unless told otherwise by `await`ing what it returns later. */
  async write(more: readonly Change[] = [], sync = false): Promise<boolean> {
    const { write, changes } = this.#enter(more);
    const outcome = await this.settle(`write ${write}`, () =>
      this.#store!.batch(changes.map(toOperation), { sync }),
    );
    this.#enterOutcome(write, outcome, sync);
    return 'value' in outcome;
  }

  /** The same by the blocking twin. */
  writeSync(more: readonly Change[] = [], sync = false): boolean {
    const { write, changes } = this.#enter(more);
    let outcome: Outcome<void>;
    try {
      outcome = { value: this.#store!.batchSync(changes.map(toOperation), { sync }) };
    } catch (error) {
      this.#heard(`blocking write ${write}`, error);
      outcome = { error };
    }
    this.#enterOutcome(write, outcome, sync);
    return 'value' in outcome;
  }

  /** What a reader sees now must fit what was told. A read that fails is no contradiction. */
  checkLive(): void {
    try {
      this.#enterProblem('live', this.ledger.problemOf(readContents(this.#store!), 'process', this.moment));
    } catch (error) {
      this.#heard('iteration', error);
    }
  }

  /** Opens a copy of the files without faults; contents must fit what was told by moment `at`. */
  async checkCopy(what: string, copy: MemoryStorage, survivor: 'process' | 'machine', at: number) {
    const { clock } = this;
    const outcome = await this.settle(`open ${what}`, () =>
      open(copy.location, this.#options, { storage: copy, clock }),
    );
    if ('error' in outcome) {
      this.problems.push(`${what}: the open fails: ${describe(outcome.error)}`);
      return;
    }
    const store = outcome.value;
    const { damage } = store.recovery;
    if (damage.length > 0) this.problems.push(`${what}: damage is reported: ${JSON.stringify(damage)}`);
    this.#enterProblem(what, this.ledger.problemOf(readContents(store), survivor, at));
    await this.settle(`close ${what}`, () => store.close());
  }

  /** As long as the longest wait before another try, and what that leads to. */
  async passTime(): Promise<void> {
    this.clock.advance(LONGEST_RETRY_MS);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  }

  /** Lets work end, and time pass whenever the event loop has nothing else to do. */
  async settle<T>(what: string, begin: () => Promise<T>): Promise<Outcome<T>> {
    let outcome: Outcome<T> | undefined;
    begin().then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    for (let turn = 0; outcome === undefined; turn++) {
      if (turn === MAX_TURNS) throw new Error(`${what} hangs`);
      await new Promise(setImmediate);
      if (outcome === undefined) this.clock.advance(RETRY_STEP_MS);
    }
    if ('error' in outcome) this.#heard(what, outcome.error);
    return outcome;
  }

  #enter(more: readonly Change[]): { readonly write: number; readonly changes: readonly Change[] } {
    const marker = {
      key: markerOf(this.ledger.length),
      value: 'v'.repeat(20 + (this.ledger.length % 7) * 30),
    };
    const changes = [marker, ...more];
    return { write: this.ledger.enter(changes), changes };
  }

  #enterOutcome(write: number, outcome: Outcome<void>, sync: boolean): void {
    if ('value' in outcome) {
      this.ledger.acknowledge(write, this.moment);
      if (sync) this.ledger.makeDurable(write + 1, this.moment);
    } else if ((outcome.error as EngineError).code !== ErrorCode.WriteOutcomeUnknown) {
      this.ledger.refuse(write);
    }
  }

  /** A caller was told of a failure: with a code, and the file that failed. */
  #heard(what: string, error: unknown): void {
    this.errors.push(error);
    if (!(error instanceof EngineError)) this.problems.push(`${what}: no error of ours: ${describe(error)}`);
    else if (error.code === ErrorCode.Internal) this.problems.push(`${what}: a bug: ${describe(error)}`);
    else if (!namesFile(error)) this.problems.push(`${what}: the error names no file: ${describe(error)}`);
  }

  #enterProblem(what: string, problem: string | undefined): void {
    if (problem !== undefined) this.problems.push(`${what}: ${problem}`);
  }
}

function namesFile(error: unknown): boolean {
  for (let e: unknown = error; e instanceof Error; e = e.cause)
    if (isEngineError(e) && e.file !== undefined) return true;
  return false;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${isEngineError(error) ? `${error.code} ` : ''}${error.stack}`;
}

function toOperation({ key, value }: Change) {
  return value === undefined
    ? { type: 'del' as const, key: bytes(key) }
    : { type: 'put' as const, key: bytes(key), value: bytes(value) };
}
