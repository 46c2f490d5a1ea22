import type { MessagePort } from 'node:worker_threads';
import { throwIfAborted, unlessAborted } from '@arena-level/common/base/aborting';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { expose, type Remote, wrap } from 'comlink';
import {
  CHECKPOINT_OPTIONS,
  checkCallOptions,
  nameOf,
  SIGNAL_AND_PROGRESS,
} from '../../options/call-options.ts';
import type {
  CheckpointOptions,
  CheckpointReport,
  ClearRange,
  CompactRangeOptions,
  MasterRoot,
  VerifyOptions,
  VerifyReport,
} from '../../public/public-types.ts';
import type { StoreStats } from '../../public/stats.ts';
import { checkKey } from '../../write/check-entries.ts';
import { nodeEndpoint } from '../control/node-endpoint.ts';
import {
  type LongCall,
  type Outcome,
  type OwnerCalls,
  resultOf,
  type StoreControl,
  type ThreadCalls,
} from '../control/store-control.ts';

export interface RemoteControlModules {
  /** Throws when the attached store is closed. */
  readonly checkOpen: () => void;
  /** The port of the calls, unless the store is closed. */
  readonly port: () => MessagePort;
  /** Resolves when what this thread has issued so far is written, or is not. */
  readonly written: () => Promise<void>;
}

interface Pending {
  readonly reject: (error: unknown) => void;
  readonly onProgress: ((progress: never) => void) | undefined;
  /** Closes the store, which the end of the attachment is a part of. */
  readonly isClosing: boolean;
  /** What `onProgress` threw: nothing, or one. */
  readonly thrown: unknown[];
}

interface CallOptions extends Partial<Pick<Pending, 'isClosing'>> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: never) => void;
}

type Owner = Remote<OwnerCalls>;

interface Connection {
  readonly port: MessagePort;
  readonly owner: Owner;
}

/** Words for an abort that this thread notices before it has asked; the owner has its own. */
const ABORTED = 'the call was aborted';

/** The thread's end of the calls (`store-control.ts`). */
export class RemoteControl implements StoreControl {
  readonly #modules: RemoteControlModules;
  readonly #pending = new Map<number, Pending>();
  #connected: Connection | undefined;
  #lastNumber = 0;
  #whyEnded: EngineError | undefined;

  constructor(modules: RemoteControlModules) {
    this.#modules = modules;
  }

  async flush(): Promise<void> {
    this.#modules.checkOpen();
    await this.#modules.written();
    return await this.#call((owner) => owner.flush());
  }

  async compactRange(start?: Uint8Array, end?: Uint8Array, options: CompactRangeOptions = {}): Promise<void> {
    for (const bound of [start, end]) if (bound !== undefined) checkKey(bound);
    checkCallOptions('compactRange', options, SIGNAL_AND_PROGRESS);
    // The caller may reuse its keys once the call has returned, and a view would travel with all of its memory.
    const [from, to] = [start, end].map((bound) => bound && new Uint8Array(bound));
    this.#modules.checkOpen();
    await this.#writtenUnlessAborted(options.signal);
    await this.#long((owner, call) => owner.compactRange(call, from, to), options);
  }

  async checkpoint(directory: string, options: CheckpointOptions = {}): Promise<CheckpointReport> {
    checkCallOptions('checkpoint', options, CHECKPOINT_OPTIONS);
    if (typeof directory !== 'string') {
      throw new EngineError(
        ErrorCode.InvalidArgument,
        `checkpoint takes the path of a directory, not ${nameOf(directory)}`,
      );
    }
    const { link } = options;
    this.#modules.checkOpen();
    await this.#writtenUnlessAborted(options.signal);
    return await this.#long((owner, call) => owner.checkpoint(call, directory, link), options);
  }

  /** What this thread has issued before comes with it. REQUIRES: a checked range. */
  async clear(range: ClearRange, sync: boolean): Promise<void> {
    this.#modules.checkOpen();
    await this.#modules.written();
    return await this.#call((owner) => owner.clear(range, sync));
  }

  stats(): Promise<StoreStats> {
    return this.#call((owner) => owner.stats());
  }

  masterRoot(): Promise<MasterRoot> {
    return this.#call((owner) => owner.masterRoot());
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    checkCallOptions('verify', options, SIGNAL_AND_PROGRESS);
    return await this.#long((owner, call) => owner.verify(call), options);
  }

  async close(): Promise<void> {
    this.#modules.checkOpen();
    await this.#modules.written();
    await this.#call((owner) => owner.close(), { isClosing: true });
  }

  /** The attachment ends: no more calls, and no answers but that of the store's closing; the port goes with the last one. */
  end(why: EngineError): void {
    this.#whyEnded ??= why;
    for (const [number, { reject, isClosing }] of this.#pending) {
      if (isClosing) continue;
      this.#pending.delete(number);
      reject(why);
    }
    if (this.#pending.size === 0) this.#connected?.port.close();
  }

  async #writtenUnlessAborted(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal, ABORTED);
    await unlessAborted(this.#modules.written(), signal, ABORTED);
  }

  #long<T>(send: (owner: Owner, call: LongCall) => Promise<Outcome<T>>, options: CallOptions): Promise<T> {
    const wantsProgress = options.onProgress !== undefined;
    return this.#call((owner, number) => send(owner, { number, wantsProgress }), options);
  }

  async #call<T>(
    send: (owner: Owner, number: number) => Promise<Outcome<T>>,
    { signal, onProgress, isClosing = false }: CallOptions = {},
  ): Promise<T> {
    this.#modules.checkOpen();
    if (this.#whyEnded !== undefined) throw this.#whyEnded;
    throwIfAborted(signal, ABORTED);
    const { port, owner } = this.#connection;
    const number = ++this.#lastNumber;
    const onAbort = (): void => this.#abort(number);
    const thrown: unknown[] = [];
    signal?.addEventListener('abort', onAbort, { once: true });
    port.ref();
    try {
      const outcome = await new Promise<Outcome<T>>((resolve, reject) => {
        this.#pending.set(number, { reject, onProgress, thrown, isClosing });
        send(owner, number).then(resolve, reject);
      });
      if (thrown.length > 0) throw thrown[0];
      return resultOf(outcome);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#answered(number);
    }
  }

  /** Made by the first call. */
  get #connection(): Connection {
    if (this.#connected !== undefined) return this.#connected;
    const port = this.#modules.port();
    const endpoint = nodeEndpoint(port);
    const calls: ThreadCalls = { progress: (number, progress) => this.#progress(number, progress as never) };
    expose(calls, endpoint);
    port.on('close', () => this.#gone());
    this.#connected = { port, owner: wrap<OwnerCalls>(endpoint) };
    return this.#connected;
  }

  #progress(number: number, progress: never): void {
    const pending = this.#pending.get(number);
    if (pending === undefined || pending.thrown.length > 0) return;
    try {
      pending.onProgress?.(progress);
    } catch (error) {
      pending.thrown.push(error);
      this.#abort(number);
    }
  }

  /** Its outcome is still waited for: the owner says what has become of it. */
  #abort(number: number): void {
    void this.#connected?.owner.abort(number);
  }

  #answered(number: number): void {
    this.#pending.delete(number);
    if (this.#pending.size > 0) return;
    this.#connected?.port.unref();
    if (this.#whyEnded !== undefined) this.#connected?.port.close();
  }

  /** The owner has closed the store, or has ended. */
  #gone(): void {
    this.#whyEnded ??= new EngineError(
      ErrorCode.DatabaseNotOpen,
      'the store was closed by the thread that owns it, or that thread has ended',
    );
    for (const { reject } of this.#pending.values()) reject(this.#whyEnded);
    this.#pending.clear();
  }
}
