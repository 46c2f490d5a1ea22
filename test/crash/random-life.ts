/**
 * Random lives of a store against a model: writes of all kinds, flushes, rotations, reads, snapshots, reopens, and now
 * and then an operation of the storage that fails. Each life ends in a crash at a random moment, and the next one
 * begins with what that left.
 */
import { Prng } from '@arena-level/common/base/prng';
import { CrashReplay, LOSS_MODELS, type LossName } from '@arena-level/common/storage/crash-replay';
import type { FaultRule, StorageOperation } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import type { FileType } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { OpenOptions, Snapshot } from 'arena-level/engine';
import { ManualClock } from '../support/manual-clock.ts';
import { RandomSchedule } from '../support/random-schedule.ts';
import { bytes, text } from '../support/text-bytes.ts';
import { BrokenPromise, checkState, expectedOf } from './check-state.ts';
import { History } from './history.ts';
import { RecordedStore } from './recorded-store.ts';
import { contentsText, readContents } from './store-contents.ts';
import { randomKey, writeOne, writeOneNow } from './workload.ts';

export interface LifeFigures {
  lives: number;
  operations: number;
  reads: number;
  faults: number;
}

const MAX_LIVES = 4;
const MAX_STEPS = 200;

/** Throws what was found broken. */
export async function liveRandomly(seed: number): Promise<LifeFigures> {
  const prng = new Prng(seed);
  const figures: LifeFigures = { lives: 1 + prng.below(MAX_LIVES), operations: 0, reads: 0, faults: 0 };
  const history = new History();
  const mayFail = prng.oneIn(3);
  let files: ReadonlyMap<string, Uint8Array> = new Map();
  for (let life = 0; life < figures.lives; life++) {
    const memory = new MemoryStorage({
      files,
      ...(prng.oneIn(2) ? { schedule: new RandomSchedule(prng).add } : {}),
    });
    const options = randomOptions(prng);
    await new RandomLife(memory, history, options, mayFail, prng, figures).run();
    files = await crash(memory, history, options, prng);
  }
  return figures;
}

/** What a crash leaves; the history is cut to it. */
async function crash(
  memory: MemoryStorage,
  history: History,
  options: OpenOptions,
  prng: Prng,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const position = prng.below(memory.trace.entries.length + 1);
  const names = Object.keys(LOSS_MODELS) as LossName[];
  const loss = names[prng.below(names.length)]!;
  const files = new CrashReplay(memory.trace).advanceTo(position).crash(LOSS_MODELS[loss], prng);
  const expected = expectedOf(history, { position, loss, files });
  try {
    const storage = new MemoryStorage({ files });
    const { operations } = await checkState(history, storage, expected, { store: options, thorough: true });
    history.restart(operations);
  } catch (error) {
    throw new BrokenPromise(`crash after ${position} file operations, model ${loss}: ${String(error)}`);
  }
  return files;
}

function randomOptions(prng: Prng): OpenOptions {
  return {
    flush: 'inline',
    memtable: prng.oneIn(2) ? 'hash' : 'skiplist',
    writeBufferSize: 4096 * (1 + prng.below(3)),
    maxFrozenMemtables: 1 + prng.below(3),
    maxIdleArenas: prng.below(3),
    blockSize: 256 << prng.below(4),
    blockRestartInterval: 1 + prng.below(16),
    bloomBitsPerKey: prng.oneIn(3) ? 0 : 10,
    cacheSize: prng.oneIn(3) ? 0 : 4096,
    maxOpenFiles: prng.oneIn(3) ? 1 : 100,
    maxManifestSize: 4096,
  };
}

/** Operations of which one may fail, once, in a life. */
const FALLIBLE: readonly (readonly [StorageOperation, FileType | undefined, FaultRule['effect']])[] = [
  ['write', 'journal', 'error'],
  ['write', 'journal', 'torn-write'],
  ['write', 'journal', 'short-write'],
  ['sync', 'journal', 'lost-sync'],
  ['create', 'journal', 'error'],
  ['write', 'temp', 'torn-write'],
  ['sync', 'temp', 'lost-sync'],
  ['rename', 'table', 'error'],
  ['write', 'manifest', 'torn-write'],
  ['sync', 'manifest', 'lost-sync'],
  ['rename', 'current', 'error'],
  ['write', 'roots', 'torn-write'],
  ['sync', 'roots', 'lost-sync'],
  ['remove', undefined, 'error'],
  ['sync-directory', undefined, 'error'],
];

class RandomLife {
  readonly #store: RecordedStore;
  readonly #storage: FaultStorage;
  readonly #clock = new ManualClock();
  readonly #mayFail: boolean;
  readonly #prng: Prng;
  readonly #figures: LifeFigures;
  #pending: Promise<unknown>[] = [];
  #snapshots: { readonly snapshot: Snapshot; readonly contents: string }[] = [];

  constructor(
    memory: MemoryStorage,
    history: History,
    options: OpenOptions,
    mayFail: boolean,
    prng: Prng,
    figures: LifeFigures,
  ) {
    this.#storage = new FaultStorage(memory);
    this.#store = new RecordedStore(options, { memory, storage: this.#storage, clock: this.#clock, history });
    this.#mayFail = mayFail;
    this.#prng = prng;
    this.#figures = figures;
  }

  async run(): Promise<void> {
    const { operations } = this.#store.history;
    this.#figures.operations -= operations.length;
    await this.#store.open();
    this.#checkContents();
    if (this.#mayFail) this.#storage.install({ rules: [this.#randomRule()] });
    const steps = this.#prng.below(MAX_STEPS);
    for (let step = 0; step < steps; step++) await this.#step();
    await this.#settle();
    this.#checkSnapshots();
    await this.#close();
    this.#figures.operations += operations.length;
    this.#figures.faults += this.#storage.firedCount;
  }

  async #step(): Promise<void> {
    const store = this.#store;
    const prng = this.#prng;
    switch (prng.below(24)) {
      case 0:
        this.#pending.push(store.flush().catch(() => {}));
        break;
      case 1:
        this.#pending.push(store.store.rotateMemtable({ waitForFlush: prng.oneIn(2) }).catch(() => {}));
        break;
      case 2:
        await this.#settle();
        this.#checkContents();
        break;
      case 3:
        await this.#settle();
        await this.#checkGets();
        break;
      case 4:
        await this.#settle();
        this.#openSnapshot();
        break;
      case 5:
        this.#checkSnapshots();
        break;
      case 6:
        if (prng.oneIn(3)) await this.#reopen();
        break;
      case 7:
        await this.#settle();
        break;
      case 8:
        await new Promise(setImmediate);
        break;
      default:
        // Whether a blocking write that failed is there only the message tells, so there are none where one may fail.
        if (!this.#mayFail && prng.oneIn(3)) writeOneNow(store, prng);
        else this.#pending.push(writeOne(store, prng));
    }
  }

  /** Everything that was begun ends; waits for retries pass whenever the event loop has nothing else to do. */
  async #settle(): Promise<void> {
    let settled = false;
    const all = Promise.all(this.#pending.splice(0)).finally(() => {
      settled = true;
    });
    while (!settled) {
      await new Promise(setImmediate);
      if (this.#mayFail) this.#clock.advance(1000);
    }
    await all;
  }

  async #close(): Promise<void> {
    try {
      await this.#store.close();
    } catch (error) {
      if (this.#storage.firedCount === 0) throw error;
    }
  }

  async #reopen(): Promise<void> {
    await this.#settle();
    this.#checkSnapshots();
    await this.#close();
    // A fault that has not come yet would meet the open; what an open does about faults has tests of its own.
    this.#storage.install({ rules: [] });
    await this.#store.open();
    this.#checkContents();
  }

  #randomRule(): FaultRule {
    const [operation, type, effect] = FALLIBLE[this.#prng.below(FALLIBLE.length)]!;
    const nth = 1 + this.#prng.below(8);
    return { operation, ...(type === undefined ? {} : { type }), nth, times: 1, effect, errno: 'EIO' };
  }

  #model(): string {
    const { history } = this.#store;
    return history.contentsAfter(history.operations.length);
  }

  #checkContents(): void {
    this.#figures.reads++;
    expectEqual(contentsText(readContents(this.#store.store)), this.#model(), 'the contents');
  }

  async #checkGets(): Promise<void> {
    const model = new Map(
      this.#model()
        .split('\n')
        .map((line) => [line.slice(0, 3), line.slice(4)]),
    );
    for (let i = 0; i < 10; i++) {
      const key = randomKey(this.#prng);
      const value = this.#prng.oneIn(2)
        ? this.#store.store.getSync(bytes(key))
        : await this.#store.store.get(bytes(key));
      this.#figures.reads++;
      expectEqual(text(value), model.get(key), `the value of ${key}`);
    }
  }

  #openSnapshot(): void {
    this.#snapshots.push({ snapshot: this.#store.store.snapshot(), contents: this.#model() });
  }

  #checkSnapshots(): void {
    for (const { snapshot, contents } of this.#snapshots.splice(0)) {
      const entries = [...this.#store.store.iterator({ snapshot, reverse: true })].reverse();
      this.#figures.reads++;
      expectEqual(
        contentsText(new Map(entries.map(([key, value]) => [text(key), text(value)]))),
        contents,
        'a snapshot',
      );
      snapshot.close();
    }
  }
}

function expectEqual(found: string | undefined, expected: string | undefined, what: string): void {
  if (found === expected) return;
  throw new BrokenPromise(`${what}: found\n${found}\nand expected\n${expected}`);
}
