import { Worker } from 'node:worker_threads';
import { Prng } from '@arena-level/common/base/prng';
import { type OpenOptions, open, type Store, type ThreadHandle } from 'arena-level/engine';
import { bundleForNode } from '../support/bundle.ts';
import { REGISTERS, RegisterHistory } from './register-history.ts';
import { hotRegister, operationsOf } from './register-keys.ts';

interface ThreadTask {
  readonly handle: ThreadHandle;
  readonly seed: number;
  readonly history: SharedArrayBuffer;
  /** Word 0: not 0 when the thread is to end. */
  readonly stop: SharedArrayBuffer;
}

export interface ReaderTask extends ThreadTask {
  readonly isHot: boolean;
}

export interface ReaderReport {
  readonly reads: number;
  readonly problems: readonly string[];
}

/** A register belongs to the writer whose number is left when it is divided by `writers`; number 0 is the owner. */
export interface WriterTask extends ThreadTask {
  readonly writer: number;
  readonly writers: number;
}

export interface WriterReport {
  readonly writes: number;
  readonly problems: readonly string[];
}

export interface RunOptions {
  readonly seed: number;
  readonly readers: number;
  /** Threads that write beside the owner, each registers of its own. Default 0. */
  readonly writers?: number;
  readonly store?: OpenOptions;
  /** Writes and reads come as fast as they can, all of a few keys: to meet one another in the middle. Default false. */
  readonly isHot?: boolean;
  /** Reading threads that are terminated at some moment, one after the other; another one takes the place. Default 0. */
  readonly terminations?: number;
  /** Whether to go on, asked between two writes. */
  readonly goesOn: (writes: number) => boolean;
}

export interface RunReport {
  readonly reads: number;
  /** Of the owner, and of other threads. */
  readonly writes: number;
  readonly threadWrites: number;
  readonly rotations: number;
  readonly compactions: number;
  readonly terminated: number;
  readonly problems: readonly string[];
}

/**
 * The owner and other threads write registers while threads read and check them (`register-history.ts`), with the smallest
 * arenas, flushes, compactions and pauses as the seed has it. `problems` says what was not as it must be.
 */
export async function checkedRun(directory: string, options: RunOptions): Promise<RunReport> {
  const { seed, goesOn, isHot = false } = options;
  const writers = 1 + (options.writers ?? 0);
  const prng = new Prng(seed);
  const store = await open(directory, {
    writeBufferSize: 4096 * 2 ** prng.below(4),
    maxIdleArenas: prng.below(3),
    level1Size: 64 * 1024,
    maxFileSize: 16 * 1024,
    ...options.store,
  });
  const history = new RegisterHistory();
  const run = { store, history, seed };
  const readers = new Threads<ReaderReport>(await program('reader'), run);
  for (let i = 0; i < options.readers; i++) readers.start({ isHot });
  const writing = new Threads<WriterReport>(await program('writer'), { ...run, seed: seed + 1 });
  for (let writer = 1; writer < writers; writer++) writing.start({ writer, writers });
  const problems: string[] = [];
  store.on('thread-revoked', ({ name }) => problems.push(`${name} was given up`));
  let writes = 0;
  let terminated = 0;
  try {
    while (goesOn(writes) && !readers.haveEnded && !writing.haveEnded) {
      if (isHot) await writeHot(store, history, prng);
      else await writeSome(store, history, prng, writers);
      writes++;
      if (terminated < (options.terminations ?? 0) && prng.oneIn(100)) {
        await readers.terminateOne(prng);
        readers.start({ isHot });
        terminated++;
      }
    }
  } finally {
    readers.stop();
    writing.stop();
  }
  const written = await writing.reports();
  const read = await readers.reports();
  const { rotations, levels } = store.stats();
  await store.close();
  problems.push(...[...written, ...read].flatMap((report) => report.problems));
  return {
    reads: read.reduce((sum, { reads }) => sum + reads, 0),
    writes,
    threadWrites: written.reduce((sum, report) => sum + report.writes, 0),
    rotations: rotations.count,
    compactions: levels.reduce((sum, level) => sum + level.compactions, 0),
    terminated,
    problems,
  };
}

function program(kind: 'reader' | 'writer'): Promise<string> {
  return bundleForNode(new URL(`checking-${kind}.program.ts`, import.meta.url));
}

/** The threads of a run that do the same. */
class Threads<Report> {
  /** One has found what is wrong, or has failed. */
  haveEnded = false;
  readonly #program: string;
  readonly #store: Store;
  readonly #history: RegisterHistory;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #running: { readonly worker: Worker; readonly report: Promise<Report> }[] = [];
  #seed: number;

  constructor(
    path: string,
    {
      store,
      history,
      seed,
    }: { readonly store: Store; readonly history: RegisterHistory; readonly seed: number },
  ) {
    this.#program = path;
    this.#store = store;
    this.#history = history;
    this.#seed = seed * 1000;
  }

  start(more: object): void {
    const handle = this.#store.share();
    const task: ThreadTask = {
      handle,
      seed: ++this.#seed,
      history: this.#history.shared,
      stop: this.#stop.buffer,
      ...more,
    };
    const worker = new Worker(this.#program, { workerData: task, transferList: [handle.port] });
    const report = new Promise<Report>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    }).finally(() => {
      this.haveEnded = true;
    });
    report.catch(() => {});
    this.#running.push({ worker, report });
  }

  /** Wherever it is. */
  async terminateOne(prng: Prng): Promise<void> {
    const [one] = this.#running.splice(prng.below(this.#running.length), 1);
    await one!.worker.terminate();
  }

  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  async reports(): Promise<Report[]> {
    const reports = await Promise.all(this.#running.map(({ report }) => report));
    await Promise.all(this.#running.map(({ worker }) => worker.terminate()));
    return reports;
  }
}

/** Writes of one turn. */
const HOT_WRITES = 100;

async function writeHot(store: Store, history: RegisterHistory, prng: Prng): Promise<void> {
  for (let i = 0; i < HOT_WRITES; i++) {
    const register = hotRegister(prng);
    const write = history.begin(register);
    store.batchSync(operationsOf(register, write));
    history.acknowledge(register, write);
  }
  await new Promise((resolve) => setImmediate(resolve));
}

/** One write, or what goes on beside writes. */
async function writeSome(store: Store, history: RegisterHistory, prng: Prng, writers: number): Promise<void> {
  const register = writers * prng.below(Math.ceil(REGISTERS / writers));
  const write = history.begin(register);
  const operations = operationsOf(register, write);
  const dice = prng.below(1000);
  if (dice < 500) {
    store.batchSync(operations);
    history.acknowledge(register, write);
  } else if (dice < 900) {
    // Acknowledged some time later, in order.
    void store.batch(operations).then(() => history.acknowledge(register, write));
    if (prng.oneIn(4)) await store.batch([]);
    if (prng.oneIn(4)) await new Promise((resolve) => setImmediate(resolve));
  } else {
    await store.batch(operations);
    history.acknowledge(register, write);
  }
  if (dice < 3) await store.flush();
  else if (dice < 5) await store.compactRange();
  else if (dice < 8) await store.rotateMemtable();
}
