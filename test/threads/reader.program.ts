/** A thread that attaches to a store and does with it what it is told. Bundled and started by `reader-thread.ts`. */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { type AttachedStore, attach, type StoreIterator, type ThreadHandle } from 'arena-level/engine';
import { bytes, text } from '../support/text-bytes.ts';
import type { Call, Command, Controlled, ControlMethod, Range, Reply } from './reader-calls.ts';

const { handle } = workerData as { readonly handle: ThreadHandle };
/** Stops a loop that never yields; raised by the test. */
const flags = new Int32Array((workerData as { readonly flags: SharedArrayBuffer }).flags);

let store: AttachedStore | undefined;
const iterators = new Map<string, StoreIterator>();
const snapshots = new Map<string, ReturnType<AttachedStore['snapshot']>>();

function open(): AttachedStore {
  store ??= attach(handle);
  return store;
}

function optionsOf(snapshot: string | undefined) {
  return snapshot === undefined ? {} : { snapshot: snapshots.get(snapshot)! };
}

function rangeOf({ gte, lt, reverse = false, snapshot }: Range) {
  return {
    ...(gte === undefined ? {} : { gte: bytes(gte) }),
    ...(lt === undefined ? {} : { lt: bytes(lt) }),
    reverse,
    ...optionsOf(snapshot),
  };
}

const shown = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : text(value);

/** Blocks this thread, so that nothing of it turns or reads, until the flag is raised. */
function block(): void {
  Atomics.store(flags, 1, 1);
  Atomics.notify(flags, 1);
  Atomics.wait(flags, 0, 0);
}

async function control(
  method: ControlMethod,
  args: readonly unknown[] = [],
  hears = false,
): Promise<Controlled> {
  const progress: unknown[] = [];
  const threads: number[] = [];
  const onProgress = (heard: unknown): void => {
    progress.push(heard);
    threads.push(threadId);
  };
  const call = open().control[method] as (...given: unknown[]) => Promise<unknown>;
  const result = await call.apply(open().control, hears ? [...args, { onProgress }] : [...args]);
  return { result, progress, threads };
}

const calls: { readonly [C in Command]: (...args: Call<C>) => unknown } = {
  attach: () => {
    open();
  },
  attachAgain: () => {
    attach(handle);
  },
  location: () => open().location,
  getSync: (key, snapshot) => shown(open().getSync(bytes(key), optionsOf(snapshot))),
  get: async (key, snapshot) => shown(await open().get(bytes(key), optionsOf(snapshot))),
  getMany: async (keys) => (await open().getMany(keys.map(bytes))).map(shown),
  hasSync: (key) => open().hasSync(bytes(key)),
  has: (key) => open().has(bytes(key)),
  hasMany: (keys) => open().hasMany(keys.map(bytes)),
  entries: async (range) => {
    const entries: string[] = [];
    for await (const [key, value] of open().iterator(rangeOf(range)))
      entries.push(`${text(key)}=${text(value)}`);
    return entries;
  },
  entriesSync: (range) =>
    [...open().iterator(rangeOf(range))].map(([key, value]) => `${text(key)}=${text(value)}`),
  snapshot: (name) => {
    snapshots.set(name, open().snapshot());
  },
  closeSnapshot: (name) => snapshots.get(name)!.close(),
  foreignSnapshot: () => open().getSync(bytes('key'), { snapshot: { sequence: 1, close: () => {} } }),
  openIterator: (range, name = '') => {
    iterators.set(name, open().iterator(rangeOf(range)));
  },
  next: (count, name = '') =>
    iterators
      .get(name)!
      .nextvSync(count)
      .map(([key, value]) => `${text(key)}=${text(value)}`),
  closeIterator: (name = '') => iterators.get(name)!.close(),
  waitFor: (key, value) => {
    let reads = 1;
    while (shown(open().getSync(bytes(key))) !== value) {
      reads++;
      if (Atomics.load(flags, 0) !== 0) return undefined;
    }
    return reads;
  },
  block,
  blockAndRead: (key) => {
    block();
    return shown(open().getSync(bytes(key)));
  },
  put: (key, value) => open().put(bytes(key), bytes(value)),
  putSync: (key, value) => open().putSync(bytes(key), bytes(value)),
  del: (key) => open().del(bytes(key)),
  clear: (range, limit = -1) => open().clear({ ...rangeOf(range), limit }),
  putAndClear: async (key, value, range) => {
    void open().put(bytes(key), bytes(value));
    await open().clear(rangeOf(range));
  },
  approximateSize: (start, end) => open().approximateSize(bytes(start), bytes(end)),
  delSync: (key) => open().delSync(bytes(key)),
  putAndClose: async (writes, value) => {
    let answers = 0;
    for (let i = 0; i < writes; i++) {
      void open()
        .put(bytes(`key ${i}`), bytes(value))
        .then(() => answers++);
    }
    await open().close();
    return answers;
  },
  close: () => open().close(),
  control,
  putAndControl: async (key, value, method, args) => {
    void open().put(bytes(key), bytes(value));
    return await control(method, args);
  },
  controlAndClose: async (method) => {
    const call = control(method);
    void open().close();
    return await call;
  },
  exit: (code) => process.exit(code),
  fail: () => {
    setImmediate(() => {
      throw new Error('thrown on purpose');
    });
  },
  leave: () => {
    parentPort!.close();
  },
};

parentPort!.on('message', async ({ id, command, args }: { id: number; command: Command; args: never }) => {
  let reply: Reply;
  try {
    const call = calls[command] as (...given: unknown[]) => unknown;
    reply = { id, result: await call(...(args as unknown[])) };
  } catch (error) {
    const { code = 'none', message, file, offset } = error as NonNullable<Reply['error']>;
    reply = { id, error: { code, message, file, offset } };
  }
  if (command !== 'leave') parentPort!.postMessage(reply);
});
