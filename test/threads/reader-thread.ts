import { Worker } from 'node:worker_threads';
import type { Store, ThreadHandle } from 'arena-level/engine';
import { onTestFinished } from 'vitest';
import { bundleForNode } from '../support/bundle.ts';
import type { Call, Command, Reply } from './reader-calls.ts';

let program: Promise<string> | undefined;

/** A worker thread that runs `reader.program.ts`. */
export class ReaderThread {
  readonly worker: Worker;
  readonly flags: Int32Array<SharedArrayBuffer>;
  readonly exited: Promise<number>;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #calls = 0;

  private constructor(worker: Worker, flags: Int32Array<SharedArrayBuffer>) {
    this.worker = worker;
    this.flags = flags;
    this.exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.on('message', (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    worker.on('error', () => {});
    void this.exited.then((code) => {
      for (const [id, resolve] of this.#waiting)
        resolve({ id, error: { code: 'exited', message: `${code}` } });
    });
  }

  /** A thread with a handle of its own; ended with the test. */
  static async start(
    given: Store | ThreadHandle,
    options?: Parameters<Store['share']>[0],
  ): Promise<ReaderThread> {
    program ??= bundleForNode(new URL('reader.program.ts', import.meta.url));
    const path = await program;
    const handle = 'share' in given ? given.share(options) : given;
    const flags = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(path, {
      workerData: { handle, flags: flags.buffer },
      transferList: [handle.port],
    });
    const thread = new ReaderThread(worker, flags);
    onTestFinished(() => thread.end());
    return thread;
  }

  /** Rejects with what it threw: `code`, message, `file` and `offset`. */
  async call<C extends Command>(command: C, ...args: Call<C>): Promise<unknown> {
    const id = ++this.#calls;
    const replied = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    this.worker.postMessage({ id, command, args });
    const { result, error } = await replied;
    if (error !== undefined) throw Object.assign(new Error(error.message), error);
    return result;
  }

  /** Blocks the thread until `raise`: it neither turns nor reads. Returns when it is blocked. */
  block(): void {
    void this.call('block').catch(() => {});
    this.whenBlocked();
  }

  whenBlocked(): void {
    Atomics.wait(this.flags, 1, 0);
  }

  /** Makes a loop that never yields, or a thread that is blocked, end. */
  raise(): void {
    Atomics.store(this.flags, 0, 1);
    Atomics.notify(this.flags, 0);
  }

  /** So that it can be blocked again. */
  lower(): void {
    this.flags.fill(0);
  }

  async end(): Promise<void> {
    this.raise();
    await this.worker.terminate();
  }
}
