import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { BenchStore, EngineSetup } from '../engines/engine.ts';
import type { JobKind, Jobs, Order, ThreadStart, Told } from './jobs.ts';

const PROGRAM: URL = new URL('./thread.js', import.meta.url);

/** What a thread is started with: the store that this thread has open, and the program, where it is not the compiled one. */
export interface ThreadOwner {
  readonly engine: string;
  readonly setup: EngineSetup;
  readonly store: BenchStore;
  readonly program: URL | string | undefined;
  /** Threads that were started, those that have ended among them. */
  readonly workers: Set<Worker>;
}

/** A thread of a run, on the side of the thread that has the store open. */
export class BenchThread<K extends JobKind> {
  readonly #worker: Worker;
  /** Rejects when the thread ends before it was told to. */
  readonly #lost: Promise<never>;
  #isEnding = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.#lost = new Promise((_, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) => {
        if (!this.#isEnding) reject(new Error(`a thread ended with code ${code}`));
      });
    });
    // Looked at in races only.
    this.#lost.catch(() => undefined);
  }

  /** Resolves when the thread has attached and is warm. `transfer`: ports in the job. */
  static async start<K extends JobKind>(
    { engine, program = PROGRAM, setup, store, workers }: ThreadOwner,
    job: Jobs[K]['job'],
    transfer: readonly MessagePort[] = [],
  ): Promise<BenchThread<K>> {
    const pass = store.pass?.();
    const start: ThreadStart = { engine, setup, pass: pass?.value, job };
    const worker = new Worker(program, {
      workerData: start,
      transferList: [...(pass?.transfer ?? []), ...transfer],
    });
    workers.add(worker);
    const thread = new BenchThread<K>(worker);
    await thread.#told('warm');
    return thread;
  }

  /** Again, after what has made it cold. */
  async warmUp(): Promise<void> {
    const told = this.#told('warm');
    this.#worker.postMessage('warm-up' satisfies Order);
    await told;
  }

  /** Has the job done once. */
  async go(): Promise<Jobs[K]['result']> {
    const told = this.#told('result');
    this.#worker.postMessage('go' satisfies Order);
    const { result } = await told;
    return result;
  }

  /** Has the store closed there. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const exited = once(this.#worker, 'exit');
    this.#worker.postMessage('end' satisfies Order);
    const [code] = (await Promise.race([exited, this.#lost])) as [number];
    if (code !== 0) throw new Error(`a thread ended with code ${code}`);
  }

  async #told<T extends Told['kind']>(kind: T): Promise<Extract<Told, { kind: T }>> {
    const [message] = (await Promise.race([once(this.#worker, 'message'), this.#lost])) as [Told];
    if (message.kind !== kind) throw new Error(`a thread told '${message.kind}' instead of '${kind}'`);
    return message as Extract<Told, { kind: T }>;
  }
}
