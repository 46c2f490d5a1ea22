import { MessageChannel } from 'node:worker_threads';
import { withoutSharedMemory } from '@arena-level/common/base/no-shared-memory.test-support';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ArenaLevel } from 'arena-level';
import { attach, ErrorCode, open, type Store, type ThreadHandle } from 'arena-level/engine';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { ReaderThread } from './reader-thread.ts';

async function openStore(): Promise<Store> {
  const store = await open(temporaryDirectory(), { flush: 'inline' });
  onTestFinished(() => store.close());
  return store;
}

test('a handle is good for one attach', async () => {
  const store = await openStore();
  const thread = await ReaderThread.start(store);
  expect(await thread.call('location')).toBe(store.location);
  await expect(thread.call('attachAgain')).rejects.toMatchObject({ code: ErrorCode.HandleUsed });
  expect(await thread.call('getSync', 'key')).toBeUndefined();
});

test('a handle whose port was closed is good for none, nor for the slot that it had', async () => {
  const store = await openStore();
  const given = store.share();
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const stale: ThreadHandle = { ...given, port: port2 };
  given.port.close();
  await eventually(() => store.stats().threads.handles === 0);
  await expect((await ReaderThread.start(stale)).call('attach')).rejects.toMatchObject({
    code: ErrorCode.HandleUsed,
  });
  const next = await ReaderThread.start(store);
  const again: ThreadHandle = { ...given, port: new MessageChannel().port2 };
  await expect((await ReaderThread.start(again)).call('attach')).rejects.toMatchObject({
    code: ErrorCode.HandleUsed,
  });
  await next.call('attach');
});

test('what is no handle, or one of another release, is refused by name', async () => {
  const store = await openStore();
  const handle = store.share();
  const words = new Int32Array(handle.control);
  const refused = (changes: object): unknown => {
    try {
      return attach({ ...handle, ...changes } as ThreadHandle);
    } catch (error) {
      return error;
    }
  };
  for (const wrong of [undefined, null, 'handle', {}, store]) {
    expect(() => attach(wrong as unknown as ThreadHandle)).toThrow(
      expect.objectContaining({ code: ErrorCode.InvalidArgument, message: expect.stringMatching(/share/) }),
    );
  }
  expect(refused({ version: 99 })).toMatchObject({
    code: ErrorCode.NotSupported,
    message: expect.stringMatching(/version 99/),
  });
  expect(refused({ control: new SharedArrayBuffer(64) })).toMatchObject({ code: ErrorCode.InvalidArgument });
  expect(refused({ control: undefined })).toMatchObject({ code: ErrorCode.InvalidArgument });
  expect(refused({ control: handle.control.slice(0, 1024) })).toMatchObject({
    code: ErrorCode.InvalidArgument,
  });
  for (const sharedCache of [null, 'cache', new SharedArrayBuffer(1 << 20)]) {
    expect(refused({ sharedCache })).toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringMatching(/shared cache/),
    });
  }
  expect(refused({})).toMatchObject({
    code: ErrorCode.InvalidArgument,
    message: expect.stringMatching(/another thread/),
  });
  words[1] = 7;
  expect(refused({})).toMatchObject({
    code: ErrorCode.NotSupported,
    message: expect.stringMatching(/version 7/),
  });
});

test('a handle that is not whole is refused by the part that is wrong, and is as good as before', async () => {
  const store = await openStore();
  const handle = store.share();
  const wrong = {
    port: [undefined, 5, {}],
    slot: [undefined, 'x', -1, 64, 1.5],
    incarnation: [undefined],
    owner: [undefined],
    flushedFrom: [undefined],
    location: [undefined, 5],
    storage: [undefined, null],
    options: [undefined],
  };
  for (const [part, values] of Object.entries(wrong)) {
    for (const value of values) {
      expect(() => attach({ ...handle, owner: -1, [part]: value } as ThreadHandle)).toThrow(
        expect.objectContaining({
          code: ErrorCode.InvalidArgument,
          message: expect.stringMatching(`^'${part}' of the handle must be .*, not `),
        }),
      );
    }
  }
  await (await ReaderThread.start(handle)).call('attach');
});

test('a handle is good for nothing in a thread that has sent its port on, and good where that went', async () => {
  const store = await openStore();
  const handle = store.share();
  const thread = await ReaderThread.start(handle);
  expect(() => attach({ ...handle, owner: -1 })).toThrow(
    expect.objectContaining({ code: ErrorCode.HandleUsed, message: expect.stringMatching(/sent on/) }),
  );
  expect(await thread.call('getSync', 'key')).toBeUndefined();
});

test('options of share and attach are checked', async () => {
  const store = await openStore();
  for (const options of [{ nme: 'x' }, { name: '' }, { stallMs: 1.5 }, { stallMs: 99 }]) {
    expect(() => store.share(options as never)).toThrow(
      expect.objectContaining({ code: ErrorCode.InvalidArgument }),
    );
  }
  expect(store.stats().threads.handles).toBe(0);
  const handle = store.share();
  for (const options of [{ cacheSize: -1 }, { maxOpenFiles: 0 }, { reads: 'pool' }]) {
    expect(() => attach(handle, options as never)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/attach/) }),
    );
  }
});

test('a store is shared with 64 threads at most', async () => {
  const store = await openStore();
  const handles = Array.from({ length: 64 }, () => store.share());
  expect(() => store.share()).toThrow(expect.objectContaining({ code: ErrorCode.TooManyThreads }));
  handles[17]!.port.close();
  await eventually(() => store.stats().threads.handles === 63);
  expect(store.share().slot).toBe(17);
});

test('a handle for which there is no memory leaves no slot taken, and no other thread without its own', async () => {
  const store = await openStore();
  const isRing = (bytes: number): boolean => bytes >= 50_000_000 && bytes < 51_000_000;
  const tryTooLarge = (): void =>
    expect(() => store.share({ ringSize: 50_000_000 })).toThrow(
      expect.objectContaining({ code: ErrorCode.MemoryBudget, message: expect.stringMatching(/50000000/) }),
    );
  withoutSharedMemory(tryTooLarge, isRing);
  expect(store.stats()).toMatchObject({ threads: { handles: 0, heldViews: 0 }, rings: { count: 0 } });
  const thread = await ReaderThread.start(store);
  withoutSharedMemory(tryTooLarge, isRing);
  expect(store.stats()).toMatchObject({ threads: { handles: 1 }, rings: { count: 1 } });
  expect(await thread.call('getSync', 'key')).toBeUndefined();
  expect(store.share().slot).toBe(1);
});

test('a store that no other thread can open, or that is not open, is not shared', async () => {
  const inMemory = await open('memory', { flush: 'inline' }, { storage: new MemoryStorage() });
  expect(() => inMemory.share()).toThrow(expect.objectContaining({ code: ErrorCode.NotSupported }));
  await inMemory.close();
  const store = await openStore();
  await store.close();
  expect(() => store.share()).toThrow(expect.objectContaining({ code: ErrorCode.DatabaseNotOpen }));
  const readOnly = await open(store.location, { readOnly: true });
  expect(() => readOnly.share()).toThrow(expect.objectContaining({ code: ErrorCode.ReadOnly }));
  await readOnly.close();
});

test('a store that was closed meanwhile cannot be attached', async () => {
  const store = await openStore();
  const handle = store.share();
  await store.close();
  const thread = await ReaderThread.start(handle);
  await expect(thread.call('attach')).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
});

test('a database is shared as its bytes', async () => {
  const db = new ArenaLevel<string, unknown>(temporaryDirectory(), { valueEncoding: 'json' });
  expect(() => db.share()).toThrow(expect.objectContaining({ code: ErrorCode.DatabaseNotOpen }));
  await db.open();
  onTestFinished(() => db.close());
  await db.put('key', { a: 1 });
  const thread = await ReaderThread.start(db.share());
  expect(await thread.call('getSync', 'key')).toBe('{"a":1}');
});
