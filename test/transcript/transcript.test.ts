/** The order of file operations and events of everything that durability depends on, pinned line by line. */
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { type OpenOptions, open, type Store } from 'arena-level/engine';
import { describe, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { expectGolden } from '../support/golden-text.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes, key } from '../support/text-bytes.ts';
import { Transcript } from './transcript.ts';

const OPTIONS: OpenOptions = { flush: 'inline', writeBufferSize: 4096 };
const VALUE = bytes('v'.repeat(300));

function openTraced(storage: MemoryStorage, transcript: Transcript): Promise<Store> {
  return open(storage.location, OPTIONS, {
    storage,
    clock: new ManualClock(),
    trace: transcript.onEvent,
  });
}

async function put(store: Store, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await store.put(key(i), VALUE);
}

describe('the transcript', () => {
  test('of creating, writing, flushing and closing a store is the pinned one', async () => {
    const storage = new MemoryStorage();
    const transcript = new Transcript(storage);
    transcript.heading('create');
    const store = await openTraced(storage, transcript);
    transcript.heading('put');
    await put(store, 0, 1);
    transcript.heading('put, sync');
    await store.put(key(1), VALUE, { sync: true });
    transcript.heading('put once more, sync: the name of the journal is on the disk by now');
    await store.put(key(2), VALUE, { sync: true });
    transcript.heading('flush');
    await store.flush();
    transcript.heading('put, close');
    await put(store, 3, 4);
    await store.close();
    expectGolden(transcript.finish(), new URL('create-to-close.txt', import.meta.url));
  });

  test('of a rotation between two writes is the pinned one', async () => {
    const storage = new MemoryStorage();
    const transcript = new Transcript(storage);
    const store = await openTraced(storage, transcript);
    await put(store, 0, 13);
    transcript.heading('put, sync: the arena is full');
    await store.put(key(13), VALUE, { sync: true });
    transcript.heading('what is under way ends');
    await store.rotateMemtable({ waitForFlush: true });
    expectGolden(transcript.finish(), new URL('rotation.txt', import.meta.url));
    await store.close();
  });

  test('of a blocking write that flushes and commits on its own thread is the pinned one', async () => {
    const storage = new MemoryStorage();
    const transcript = new Transcript(storage);
    const store = await openTraced(storage, transcript);
    for (let i = 0; i < 39; i++) store.putSync(key(i), VALUE);
    transcript.heading('putSync: the arena is full, and two frozen ones wait');
    store.putSync(key(39), VALUE, { sync: true });
    expectGolden(transcript.finish(), new URL('blocking-rotation.txt', import.meta.url));
    await store.close();
  });

  test('of a compaction and its commit is the pinned one', async () => {
    const storage = new MemoryStorage();
    const transcript = new Transcript(storage);
    const store = await open(
      storage.location,
      { ...OPTIONS, level0CompactionTrigger: 2 },
      { storage, clock: new ManualClock(), trace: transcript.onEvent },
    );
    const removed = new Promise<void>((resolve) => {
      let left = 2;
      store.on('table-removed', () => void (--left === 0 && resolve()));
    });
    await put(store, 0, 2);
    await store.flush();
    await put(store, 1, 3);
    transcript.heading('flush, which fills level 0, and the compaction behind it');
    await store.flush();
    await removed;
    await settle();
    expectGolden(transcript.finish(), new URL('compaction.txt', import.meta.url));
    await store.close();
  });

  test('of opening after a close is the pinned one', async () => {
    const storage = new MemoryStorage();
    const first = await openTraced(storage, new Transcript(storage));
    await put(first, 0, 3);
    await first.flush();
    await first.close();
    const transcript = new Transcript(storage);
    transcript.heading('open');
    const second = await openTraced(storage, transcript);
    expectGolden(transcript.finish(), new URL('open-after-close.txt', import.meta.url));
    await second.close();
  });

  test('of opening after the death of a process is the pinned one', async () => {
    const storage = new MemoryStorage();
    const first = await openTraced(storage, new Transcript(storage));
    for (let i = 0; i < 30; i++) first.putSync(key(i), VALUE);
    // As it would be found if the process died here: two arenas frozen, one in a table without a final name.
    const left = MemoryStorage.resume(storage.trace, storage.trace.entries.length);
    await first.close();
    const transcript = new Transcript(left);
    transcript.heading('open');
    const second = await openTraced(left, transcript);
    expectGolden(transcript.finish(), new URL('open-after-crash.txt', import.meta.url));
    await second.close();
  });
});
