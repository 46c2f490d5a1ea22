import type { MessagePort } from 'node:worker_threads';
import { expose, type Remote, wrap } from 'comlink';
import { nodeEndpoint } from '../control/node-endpoint.ts';
import {
  type ControlTarget,
  type LongCall,
  type Outcome,
  type OwnerCalls,
  outcomeOf,
  type ThreadCalls,
} from '../control/store-control.ts';

interface LongOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: unknown) => void;
}

/** Does what one thread asks for by calls (`store-control.ts`). What it asked for is given up when its port closes. */
export class ControlServer {
  readonly #port: MessagePort;
  readonly #target: ControlTarget;
  readonly #thread: Remote<ThreadCalls>;
  readonly #running = new Map<number, AbortController>();
  /** Calls of the thread that close the store, and have not been answered. */
  #closings = 0;
  #isEnded = false;

  constructor(port: MessagePort, target: ControlTarget) {
    this.#port = port;
    this.#target = target;
    const endpoint = nodeEndpoint(port);
    expose(this.#calls(), endpoint);
    this.#thread = wrap<ThreadCalls>(endpoint);
    port.on('close', () => {
      for (const controller of this.#running.values()) controller.abort();
    });
    port.unref();
  }

  /** Answers nothing any more, but for a call that closes the store: it is told the outcome. */
  end(): void {
    this.#isEnded = true;
    if (this.#closings === 0) this.#port.close();
  }

  #calls(): OwnerCalls {
    const { store } = this.#target;
    return {
      flush: () => outcomeOf(() => store.flush()),
      compactRange: (call, start, end) =>
        this.#long(call, (options) => store.compactRange(start, end, options)),
      checkpoint: (call, directory, link) =>
        this.#long(call, (options) =>
          store.checkpoint(directory, link === undefined ? options : { ...options, link }),
        ),
      stats: () => outcomeOf(() => store.stats()),
      masterRoot: () => outcomeOf(() => store.masterRoot()),
      verify: (call) => this.#long(call, (options) => store.verify(options)),
      close: () => this.#closeTarget(),
      clear: (range, sync) => outcomeOf(() => store.clear(range, { sync })),
      abort: (number) => this.#running.get(number)?.abort(),
    };
  }

  async #long<T>(
    { number, wantsProgress }: LongCall,
    run: (options: LongOptions) => Promise<T>,
  ): Promise<Outcome<T>> {
    const controller = new AbortController();
    this.#running.set(number, controller);
    const onProgress = (progress: unknown): void => void this.#thread.progress(number, progress);
    const { signal } = controller;
    const outcome = await outcomeOf(() => run(wantsProgress ? { signal, onProgress } : { signal }));
    this.#running.delete(number);
    return outcome;
  }

  async #closeTarget(): Promise<Outcome<void>> {
    this.#closings++;
    const outcome = await outcomeOf(() => this.#target.close());
    // In the next turn comlink has posted it.
    setImmediate(() => {
      this.#closings--;
      if (this.#isEnded) this.end();
    });
    return outcome;
  }
}
