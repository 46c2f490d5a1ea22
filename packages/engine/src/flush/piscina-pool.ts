/**
 * A piscina pool with what a store needs around it: started by the first task, verifications behind all other
 * work, a queue of its own, and no task left hanging.
 *
 * Tasks are handed to piscina only when a thread is free for them, because piscina strands what it has queued: a
 * thread that fails while it starts takes no task with it, and after a crash the queue waits for the next `run`.
 * Where that can still happen, to a task that waits for its own thread to start, `#rescue` notices.
 *
 * Invariants:
 * 1. At most `size` tasks are with piscina, at most max(1, size - 1) of them verifications: with two threads or
 *    more, there is always one for flushes.
 * 2. Every promise of `run` settles: with an answer, by the failure of its thread, or by `settle`.
 *
 * An idle pool does not keep the process alive; a running task does, unless the pool was made not to. A running task is
 * never aborted through piscina, which would end its thread in mid write: a flush is cancelled by a word in its arena.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { WorkerRequest } from '@arena-level/common/protocol/flush-protocol';
import type { Piscina } from 'piscina';

/** A thread without work ends after this and gives its memory back; the next task starts one in about 50 ms. */
const IDLE_TIMEOUT_MS = 30_000;
/** How long closing waits for tasks under way before it ends their threads. */
export const CLOSE_GRACE_MS = 30_000;

type LoadBalancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer']>;

/** Where the priority is a thread's own; on other systems it would be that of the whole process. */
const HAS_THREAD_PRIORITIES = process.platform === 'linux' || process.platform === 'win32';
/** Ten nice levels: about a tenth of a core beside a thread that is always busy, all of it where a core is idle. */
const BACKGROUND_NICE = 10;

interface Task {
  readonly request: WorkerRequest;
  /** Whose task it is, for `settle`. */
  readonly owner: object;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A Piscina, replaced when it is stuck. */
interface Instance {
  readonly piscina: Piscina;
  /** Why the last thread without a task failed. */
  strayError: unknown;
  /** Why it was given up: no thread of it could start. */
  startFailure: unknown;
}

export class PiscinaPool {
  readonly size: number;
  readonly #workerUrl: string;
  readonly #clock: Clock;
  readonly #background: boolean;
  readonly #onMessage: (message: unknown) => void;
  /** Waiting here, oldest first: what writers may wait for, and what may take its time. */
  #urgent: Task[] = [];
  #verifications: Task[] = [];
  /** With piscina: the task, and the promise that it has settled. */
  readonly #running = new Map<Task, Promise<void>>();
  #instance: Instance | undefined;
  /** True once any task was answered: workers can run here. */
  #answered = false;

  /**
   * `background`: nobody waits for its tasks. They do not keep the process alive, and come after all other threads.
   * `onMessage`: told what threads post beside their answers.
   */
  constructor(
    workerUrl: string,
    size: number,
    clock: Clock,
    background = false,
    onMessage: (message: unknown) => void = () => {},
  ) {
    this.#onMessage = onMessage;
    this.#workerUrl = workerUrl;
    this.size = size;
    this.#clock = clock;
    this.#background = background;
  }

  run(request: WorkerRequest, owner: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const queue = request.task === 'verify' ? this.#verifications : this.#urgent;
      queue.push({ request, owner, resolve, reject });
      this.#dispatch();
    });
  }

  /** Tasks of an owner that are not yet with piscina. */
  waitingOf(owner: object): number {
    const ofOwner = (task: Task): boolean => task.owner === owner;
    return this.#urgent.filter(ofOwner).length + this.#verifications.filter(ofOwner).length;
  }

  /** Gives up what waits of an owner, and waits for what runs. REQUIRES: the owner runs no more. */
  async settle(owner: object): Promise<void> {
    const waiting = [...this.#urgent, ...this.#verifications].filter((task) => task.owner === owner);
    this.#urgent = this.#urgent.filter((task) => task.owner !== owner);
    this.#verifications = this.#verifications.filter((task) => task.owner !== owner);
    const givenUp = new EngineError(ErrorCode.Aborted, 'the store was closed before the task began');
    for (const task of waiting) task.reject(givenUp);
    const running = [...this.#running].filter(([task]) => task.owner === owner).map(([, settled]) => settled);
    const cancelGrace = this.#clock.after(CLOSE_GRACE_MS, () => void this.end());
    await Promise.all(running);
    cancelGrace();
  }

  /** Ends all threads. A task that still runs fails. */
  async end(): Promise<void> {
    const instance = this.#instance;
    this.#instance = undefined;
    await instance?.piscina.destroy();
  }

  #dispatch(): void {
    while (this.#running.size < this.size) {
      const task = this.#urgent.shift() ?? this.#nextVerification();
      if (task === undefined) return;
      this.#running.set(task, this.#execute(task));
    }
  }

  #nextVerification(): Task | undefined {
    let running = 0;
    for (const task of this.#running.keys()) if (task.request.task === 'verify') running++;
    return running < Math.max(1, this.size - 1) ? this.#verifications.shift() : undefined;
  }

  async #execute(task: Task): Promise<void> {
    try {
      const answer = await this.#send(task.request);
      this.#answered = true;
      task.resolve(answer);
    } catch (error) {
      task.reject(this.#explain(error));
    }
    this.#running.delete(task);
    this.#dispatch();
  }

  async #send(request: WorkerRequest): Promise<unknown> {
    // Loaded here, so that a store that flushes inline never loads it.
    const { Piscina } = await import('piscina');
    this.#instance ??= this.#start(Piscina);
    const instance = this.#instance;
    let answer: Promise<unknown>;
    try {
      answer = instance.piscina.run(request);
    } catch (error) {
      // No thread could be made. This instance has queued the task: whoever used it next would run that task too.
      this.#forget(instance);
      throw error;
    }
    try {
      return await answer;
    } catch (error) {
      throw instance.startFailure ?? error;
    }
  }

  #start(PiscinaClass: typeof Piscina): Instance {
    const piscina = new PiscinaClass({
      filename: this.#workerUrl,
      minThreads: 0,
      maxThreads: this.size,
      idleTimeout: IDLE_TIMEOUT_MS,
      maxQueue: this.size,
      concurrentTasksPerWorker: 1,
      // A thread that waits by Atomics.wait has no event loop; the 30 microseconds it saves are nothing to a flush.
      atomics: 'disabled',
      recordTiming: false,
      // By piscina's own optional native package; without it, threads have the priority of all others.
      niceIncrement: this.#background && HAS_THREAD_PRIORITIES ? BACKGROUND_NICE : 0,
      ...(this.#background ? { loadBalancer: freeWorkerWithoutHold } : {}),
    });
    const instance: Instance = { piscina, strayError: undefined, startFailure: undefined };
    // Without a listener, the crash of an idle thread would be an uncaught exception of the host process.
    piscina.on('error', (error: unknown) => {
      instance.strayError = error;
      this.#rescue(instance);
    });
    piscina.on('message', this.#onMessage);
    piscina.on('workerDestroy', () => this.#rescue(instance));
    return instance;
  }

  /** After a thread ended: fails the tasks that wait for it to start, which piscina would leave waiting. */
  #rescue(instance: Instance): void {
    // When this event is over, piscina has taken the thread off its list.
    queueMicrotask(() => {
      const { piscina, strayError } = instance;
      instance.strayError = undefined;
      if (piscina.queueSize === 0 || piscina.threads.length > 0) return;
      instance.startFailure = strayError ?? new Error('the thread ended while it started');
      this.#forget(instance);
      void piscina.destroy();
    });
  }

  #forget(instance: Instance): void {
    if (this.#instance === instance) this.#instance = undefined;
  }

  #explain(error: unknown): EngineError {
    const reason = error instanceof Error ? error.message : 'its thread died of something that is no error';
    const message = this.#answered
      ? `a worker failed: ${reason}`
      : `the worker at ${this.#workerUrl} failed before it answered any task: ${reason}. Where worker threads ` +
        "cannot run, open the store with flush: 'inline'; where the worker's file is elsewhere, set workerUrl";
    return new EngineError(ErrorCode.WorkerFailed, message, { cause: error });
  }
}

/**
 * Piscina's own choice where each thread has one task at a time: a free one. The process is kept alive by the port over
 * which a task is sent, and there is no other way to it than from here.
 */
const freeWorkerWithoutHold: LoadBalancer = (_, workers) => {
  const free = workers.find(({ currentUsage }) => currentUsage === 0) ?? null;
  if (free !== null) queueMicrotask(() => portOf(free)?.unref());
  return free;
};

/** Undefined: piscina has changed inside, and the process lives on as long as the task. */
function portOf(worker: object): { unref(): void } | undefined {
  for (const symbol of Object.getOwnPropertySymbols(worker)) {
    const inside = (worker as Record<symbol, { readonly port?: { unref(): void } } | undefined>)[symbol];
    if (inside?.port !== undefined) return inside.port;
  }
  return undefined;
}
