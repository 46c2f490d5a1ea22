/** Both ends of the calls on one thread, over a store whose answers the test gives. */
import { MessageChannel } from 'node:worker_threads';
import { corruption, EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { expect, onTestFinished, test } from 'vitest';
import type { CompactRangeOptions } from '../public/public-types.ts';
import { RemoteControl } from './attached/remote-control.ts';
import type { ControlTarget } from './control/store-control.ts';
import { ControlServer } from './owner/control-server.ts';

const PROGRESS = { bytesDone: 1, bytesPlanned: 2 };

/** A `compactRange` under way, as the store has it. */
interface Compaction extends CompactRangeOptions {
  readonly start: Uint8Array | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class BothEnds {
  readonly server: ControlServer;
  readonly remote: RemoteControl;
  readonly #compactions: Compaction[] = [];
  readonly #waiting: ((compaction: Compaction) => void)[] = [];
  resolveClose!: () => void;
  rejectClose!: (error: unknown) => void;
  closeCalled: Promise<void>;

  constructor(store: Partial<ControlTarget['store']> = {}, written: Promise<void> = Promise.resolve()) {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    let closeIsCalled!: () => void;
    this.closeCalled = new Promise((resolve) => {
      closeIsCalled = resolve;
    });
    const compactRange = (
      start?: Uint8Array,
      _end?: Uint8Array,
      options: CompactRangeOptions = {},
    ): Promise<void> =>
      new Promise((resolve, reject) => {
        this.#compactions.push({ ...options, start, resolve, reject });
        const [compaction] = this.#compactions;
        const next = this.#waiting.shift();
        if (next !== undefined) {
          this.#compactions.shift();
          next(compaction!);
        }
      });
    this.server = new ControlServer(port1, {
      store: { compactRange, ...store } as ControlTarget['store'],
      close: () =>
        new Promise((resolve, reject) => {
          this.resolveClose = resolve;
          this.rejectClose = reject;
          closeIsCalled();
        }),
    });
    this.remote = new RemoteControl({ checkOpen: () => {}, port: () => port2, written: () => written });
  }

  compaction(): Promise<Compaction> {
    const begun = this.#compactions.shift();
    if (begun !== undefined) return Promise.resolve(begun);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** So that a rejection that is looked at later is not an unhandled one. */
function kept<T>(call: Promise<T>): Promise<T> {
  call.catch(() => {});
  return call;
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal!.aborted) resolve();
    else signal!.addEventListener('abort', () => resolve());
  });

const detached = new EngineError(ErrorCode.DatabaseNotOpen, 'detached');

test('errors keep code, file, offset and class', async () => {
  const ends = new BothEnds({
    flush: () => Promise.reject(corruption('a bad block', '000007.ldb', 4096)),
    masterRoot: () => Promise.reject(new TypeError('a bug')),
  });
  const error = await ends.remote.flush().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EngineError);
  expect(error).toMatchObject({
    code: ErrorCode.Corruption,
    file: '000007.ldb',
    offset: 4096,
    message: '000007.ldb at offset 4096: a bad block',
  });
  await expect(ends.remote.masterRoot()).rejects.toMatchObject({
    code: ErrorCode.Internal,
    message: 'a bug',
  });
});

test('progress is heard in its order, all of it before the outcome', async () => {
  const ends = new BothEnds();
  const heard: number[] = [];
  const call = ends.remote.compactRange(Uint8Array.of(1, 2), undefined, {
    onProgress: ({ bytesDone }) => heard.push(bytesDone),
  });
  const { start, onProgress, resolve } = await ends.compaction();
  expect(start).toEqual(Uint8Array.of(1, 2));
  for (let bytesDone = 1; bytesDone <= 100; bytesDone++) onProgress!({ bytesDone, bytesPlanned: 100 });
  resolve();
  await call;
  expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
});

test('a call without onProgress is told nothing', async () => {
  const ends = new BothEnds();
  const call = ends.remote.compactRange();
  const { onProgress, resolve } = await ends.compaction();
  expect(onProgress).toBeUndefined();
  resolve();
  await call;
});

test('a signal aborts the one call it belongs to', async () => {
  const ends = new BothEnds();
  const controller = new AbortController();
  const first = kept(ends.remote.compactRange(undefined, undefined, { signal: controller.signal }));
  const began = await ends.compaction();
  const second = kept(ends.remote.compactRange());
  const other = await ends.compaction();
  controller.abort();
  await aborted(began.signal);
  began.reject(new EngineError(ErrorCode.Aborted, 'as the store says it'));
  await expect(first).rejects.toMatchObject({
    code: ErrorCode.Aborted,
    name: 'AbortError',
    message: 'as the store says it',
  });
  expect(other.signal!.aborted).toBe(false);
  other.resolve();
  await second;
});

test('a signal that has fired, or fires while writes are waited for, asks the owner nothing', async () => {
  let written!: () => void;
  const ends = new BothEnds({}, new Promise((resolve) => (written = resolve)));
  const signal = AbortSignal.abort();
  await expect(ends.remote.compactRange(undefined, undefined, { signal })).rejects.toMatchObject({
    code: ErrorCode.Aborted,
  });
  await expect(ends.remote.verify({ signal })).rejects.toMatchObject({ code: ErrorCode.Aborted });
  const controller = new AbortController();
  const waiting = kept(ends.remote.checkpoint('copy', { signal: controller.signal }));
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: ErrorCode.Aborted });
  const call = ends.remote.compactRange(Uint8Array.of(9));
  written();
  const { start, resolve } = await ends.compaction();
  expect(start).toEqual(Uint8Array.of(9));
  resolve();
  await call;
});

test('what onProgress throws ends the call, and is what it rejects with', async () => {
  const ends = new BothEnds();
  const thrown = new Error('enough');
  let calls = 0;
  const call = kept(
    ends.remote.compactRange(undefined, undefined, {
      onProgress: () => {
        calls++;
        throw thrown;
      },
    }),
  );
  const { signal, onProgress, reject } = await ends.compaction();
  onProgress!(PROGRESS);
  onProgress!(PROGRESS);
  await aborted(signal);
  reject(new EngineError(ErrorCode.Aborted, 'aborted'));
  await expect(call).rejects.toBe(thrown);
  expect(calls).toBe(1);
});

test('the end of the attachment rejects what is waited for, and the owner gives it up', async () => {
  const ends = new BothEnds();
  const call = kept(ends.remote.compactRange());
  const { signal } = await ends.compaction();
  ends.remote.end(detached);
  await expect(call).rejects.toBe(detached);
  await aborted(signal);
  await expect(ends.remote.stats()).rejects.toBe(detached);
});

test('the end of the owner rejects what is waited for', async () => {
  const ends = new BothEnds();
  const call = kept(ends.remote.compactRange());
  await ends.compaction();
  ends.server.end();
  await expect(call).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  await expect(ends.remote.stats()).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
});

test('whoever closes the store hears how that ended, although everything else has ended before', async () => {
  const ends = new BothEnds();
  const compaction = kept(ends.remote.compactRange());
  await ends.compaction();
  const closing = ends.remote.close();
  await ends.closeCalled;
  ends.server.end();
  ends.remote.end(detached);
  await expect(compaction).rejects.toBe(detached);
  ends.resolveClose();
  await closing;
  const failing = new BothEnds();
  const failed = kept(failing.remote.close());
  await failing.closeCalled;
  failing.server.end();
  failing.rejectClose(new EngineError(ErrorCode.IoError, 'no space', { file: '000003.log' }));
  await expect(failed).rejects.toMatchObject({ code: ErrorCode.IoError, file: '000003.log' });
  await expect(failing.remote.stats()).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
});

test('arguments are checked before the owner is asked', async () => {
  const { remote } = new BothEnds();
  const wrong: (() => Promise<unknown>)[] = [
    () => remote.compactRange(undefined, undefined, { sginal: 1 } as never),
    () => remote.compactRange(undefined, undefined, { onProgress: 1 } as never),
    () => remote.verify({ signal: {} } as never),
    () => remote.checkpoint('copy', { link: 1 } as never),
    () => remote.checkpoint((() => {}) as never),
  ];
  for (const call of wrong) await expect(call()).rejects.toMatchObject({ code: ErrorCode.InvalidArgument });
  await expect(remote.compactRange('a' as never)).rejects.toMatchObject({ code: ErrorCode.InvalidKey });
});
