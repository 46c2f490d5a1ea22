import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { OpenModules } from 'arena-level/engine';

type WorkerPool = NonNullable<OpenModules['pool']>;

const PROGRAM = new URL('./misbehaving.thread.mjs', import.meta.url);

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A pool of one thread that its owner makes, limits and ends, as a host with a pool of its own would. */
export class OwnPool implements WorkerPool {
  readonly #resourceLimits: ResourceLimits;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #lastId = 0;
  /** Threads made so far. */
  threads = 0;

  constructor(resourceLimits: ResourceLimits = {}) {
    this.#resourceLimits = resourceLimits;
  }

  run(request: unknown): Promise<unknown> {
    this.#worker ??= this.#start();
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#worker.postMessage({ id, request });
    return answer;
  }

  /** Ends the thread in the middle of whatever it does. The next task gets a fresh one. */
  async terminate(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    this.threads++;
    const worker = new Worker(PROGRAM, { resourceLimits: this.#resourceLimits });
    let failure: unknown = new Error('the thread ended');
    worker.on('message', ({ id, answer }) => {
      this.#pending.get(id)?.resolve(answer);
      this.#pending.delete(id);
    });
    worker.on('error', (error) => {
      failure = error;
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#pending.values()) reject(failure);
      this.#pending.clear();
    });
    return worker;
  }
}
