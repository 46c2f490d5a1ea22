/** One input of a compaction is damaged or cannot be read: that table is left out, everything else goes on. */
import { ioError } from '@arena-level/common/base/errors';
import type { FileDesc } from '@arena-level/common/storage/file-desc';
import { fileName } from '@arena-level/common/storage/file-desc';
import { systemError } from '@arena-level/common/storage/system-error';
import { ErrorCode } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { eventually, settle, stateOf } from '../support/eventually.ts';
import { bytes } from '../support/text-bytes.ts';
import { CompactingStore } from './compacting-store.ts';

/** Keys of the second cluster of tables. */
const FAR = 1000;

/** From now on the file cannot be opened. Returns what ends that. */
function makeUnreadable({ memory }: CompactingStore, file: FileDesc, errno: string): () => void {
  const name = fileName(file);
  const { openReadNow } = memory;
  memory.openReadNow = (other) => {
    if (fileName(other) === name) throw ioError('opening', name, systemError(errno, 'open'));
    return openReadNow.call(memory, other);
  };
  return () => {
    memory.openReadNow = openReadNow;
  };
}

/** Flips a bit of a data block. Returns what flips it back. */
function damage({ memory }: CompactingStore, file: FileDesc): () => void {
  const flip = (): void =>
    memory.damage(file, (contents) => {
      contents[40]! ^= 1;
    });
  flip();
  return flip;
}

/** Three tables of level 0 with the same keys, one of them spoilt, and then as many of other keys as call for compaction. */
async function openSpoilt(spoil: (store: CompactingStore, file: FileDesc) => () => void) {
  const store = await CompactingStore.open({ cacheSize: 0, maxOpenFiles: 1 });
  store.held.executor.holdsCompactions = false;
  for (let n = 0; n < 3; n++) await store.addTable(0);
  const file = store.memory.listNow().filter(({ type }) => type === 'table')[1]!;
  const mend = spoil(store, file);
  for (let n = 0; n < 2; n++) await store.addTable(FAR);
  await settle();
  return { store, file, mend };
}

const SPOILS: readonly {
  readonly what: string;
  readonly attempts: number;
  readonly code: string;
  readonly spoil: (store: CompactingStore, file: FileDesc) => () => void;
}[] = [
  { what: 'is damaged', attempts: 1, code: ErrorCode.Corruption, spoil: damage },
  {
    what: 'is missing',
    attempts: 1,
    code: ErrorCode.Corruption,
    spoil: (store, file) => makeUnreadable(store, file, 'ENOENT'),
  },
  {
    what: 'cannot be read',
    attempts: 2,
    code: ErrorCode.IoError,
    spoil: (store, file) => makeUnreadable(store, file, 'EIO'),
  },
  {
    what: 'may not be read',
    attempts: 2,
    code: ErrorCode.IoError,
    spoil: (store, file) => makeUnreadable(store, file, 'EACCES'),
  },
];

describe.each(SPOILS)('an input that $what', ({ attempts, code, spoil }) => {
  test('is named and left out until resume; other tables are compacted, and nothing spins', async () => {
    const { store, file, mend } = await openSpoilt(spoil);
    store.held.clock.advance(1000);
    await settle();
    expect(store.count('compaction-failed')).toBe(attempts);
    const failure = store.held.trace.findLast(({ name }) => name === 'compaction-failed')!;
    expect(failure.details).toMatchObject({
      error: { code, file: fileName(file) },
      retryInMs: Number.POSITIVE_INFINITY,
    });
    if (spoil === damage) expect(failure.details).toMatchObject({ error: { offset: expect.any(Number) } });
    // The cluster of the far keys is compacted; the three around the spoilt table stay.
    await eventually(() => store.tables[0] === 3);
    expect(store.store.stats().levels[1]!.tables).toBeGreaterThan(0);

    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 2; n++) await store.addTable(FAR);
      await settle();
      store.held.clock.advance(10_000);
      await eventually(() => store.tables[0]! < 5);
    }
    expect(store.count('compaction-failed')).toBe(attempts);
    expect(Buffer.from((await store.store.get(bytes(`key-00${FAR}`)))!).toString()).toBe(
      store.expected.get(`key-00${FAR}`),
    );
    await expect(store.store.settled()).rejects.toMatchObject({ code, file: fileName(file) });

    mend();
    await store.store.resume();
    await store.addTable(0);
    await eventually(() => store.tables[0] === 0);
    store.expectTidy();
    store.expectContents();
    await store.expectContentsAfterReopen();
  });

  test('is tried again and again by nobody: the store is at rest, and closes', async () => {
    const { store, mend } = await openSpoilt(spoil);
    store.held.clock.advance(1000);
    await settle();
    const started = store.count('compaction-started');
    for (let n = 0; n < 20; n++) {
      store.held.clock.advance(10_000);
      await settle(1);
    }
    expect(store.count('compaction-started')).toBe(started);
    expect(await stateOf(store.store.close())).toBe('resolved');
    mend();
    await store.expectContentsAfterReopen();
  });
});

test('an input that could not be opened for a cause that passes is no reason to leave it out', async () => {
  const { store, mend } = await openSpoilt((spoilt, file) => makeUnreadable(spoilt, file, 'EMFILE'));
  for (let n = 0; n < 5; n++) {
    store.held.clock.advance(8000);
    await settle();
  }
  expect(store.count('compaction-failed')).toBe(6);
  mend();
  store.held.clock.advance(8000);
  await eventually(() => store.tables[0]! < 4);
  await store.store.settled();
  store.expectContents();
  await store.expectContentsAfterReopen();
});

test('a blocking writer that it holds up leaves the compaction of another range alone', async () => {
  // The far keys come to lie in levels 1 and 2, and no level calls for a compaction.
  const first = await CompactingStore.open({ level1Size: 4096 });
  first.held.executor.holdsCompactions = false;
  for (let n = 0; first.tables[2] === 0 && n < 50; n++) await first.addTable(FAR, 60);
  await first.store.settled();
  await first.store.close();
  const store = await CompactingStore.open({ level1Size: 1024 * 1024 }, { memory: first.memory });
  store.held.executor.holdsCompactions = false;
  while (store.tables[0]! > 0 || store.tables[1] === 0) {
    await store.addTable(FAR);
    await store.store.settled();
  }
  expect(store.tables[2]).toBeGreaterThan(0);
  for (let n = 0; n < 3; n++) await store.addTable(0);
  damage(store, store.memory.listNow().findLast(({ type }) => type === 'table')!);
  await store.addTable(0);
  await eventually(() => store.count('compaction-failed') === 1);

  store.held.executor.holdsCompactions = true;
  const compacted = store.store.compactRange(bytes(`key-00${FAR}`), bytes(`key-00${FAR + 20}`));
  await store.compaction();
  for (let attempts = 0; attempts < 2; attempts++) {
    expect(() => {
      for (let n = 0; n < 10_000; n++) store.putSync(n % 20);
    }).toThrow(expect.objectContaining({ code: ErrorCode.Corruption }));
    await settle();
  }
  store.held.executor.releaseCompactions();
  expect(await stateOf(compacted)).toBe('resolved');
  expect(store.count('compaction-superseded')).toBe(0);
  await store.store.close();
});
