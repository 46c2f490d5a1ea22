import { ErrorCode } from '@arena-level/common/base/errors';
import { tempFile } from '@arena-level/common/storage/file-desc';
import { describe, expect, test } from 'vitest';
import { eventually, settle } from '../support/eventually.ts';
import type { CompactedOutcome } from '../support/held-executor.ts';
import { CompactingStore } from './compacting-store.ts';

type Table = CompactedOutcome['tables'][number];

/** With what `change` makes of the second of the tables. */
function withTable(
  answer: CompactedOutcome,
  change: (table: Table['table'], first: Table['table']) => Partial<Table['table']>,
): CompactedOutcome {
  const [first, second, ...others] = answer.tables;
  const lie = { ...second!, table: { ...second!.table, ...change(second!.table, first!.table) } };
  return { ...answer, tables: [first!, lie, ...others] };
}

const LIES: Readonly<Record<string, (answer: CompactedOutcome) => CompactedOutcome>> = {
  size: (answer) => withTable(answer, ({ size }) => ({ size: size + 1 })),
  root: (answer) => withTable(answer, ({ root }) => ({ root: new Uint8Array(root.length) })),
  'number of blocks': (answer) => withTable(answer, ({ blocks }) => ({ blocks: blocks + 1 })),
  'smallest key': (answer) => withTable(answer, ({ largest }) => ({ smallest: largest })),
  'largest key': (answer) => withTable(answer, ({ smallest }) => ({ largest: smallest })),
  'entries of a table': (answer) => withTable(answer, ({ entries }) => ({ entries: entries - 1 })),
  'entries read': (answer) => ({ ...answer, entries: answer.entries + 1 }),
  'entries dropped': (answer) => ({ ...answer, dropped: answer.dropped + 1 }),
  'overlap of two tables': (answer) => withTable(answer, (_, { smallest }) => ({ smallest })),
  'order of the tables': (answer) => ({ ...answer, tables: [...answer.tables].reverse() }),
  'a table twice': (answer) => ({ ...answer, tables: [answer.tables[0]!, ...answer.tables] }),
  'a table less': (answer) => ({ ...answer, tables: answer.tables.slice(1) }),
  'a number that it was not given': (answer) => ({
    ...answer,
    tables: answer.tables.map(({ tempNumber, table }) => ({ tempNumber: tempNumber + 10_000, table })),
  }),
};

describe('an answer that lies about its', () => {
  test.each(Object.keys(LIES))(
    '%s is refused, and the tables are merged again after a while',
    async (lie) => {
      const store = await CompactingStore.open();
      await store.fillLevel0(4, 400);
      const inputs = store.files();
      (await store.compaction()).finish(LIES[lie]!);
      await eventually(() => store.count('compaction-failed') === 1);
      const failure = store.held.trace.find(({ name }) => name === 'compaction-failed')!;
      expect(failure.details).toMatchObject({ error: { code: ErrorCode.WorkerFailed }, retryInMs: 1000 });
      await settle();
      expect(store.files()).toEqual(inputs);
      expect(store.count('table-compacted')).toBe(0);
      expect(store.tables[0]).toBe(4);
      store.expectContents();
      expect(store.compactions).toHaveLength(0);
      store.held.clock.advance(1000);
      (await store.compaction()).finish();
      await eventually(() => store.tables[0] === 0);
      store.expectTidy();
      store.expectContents();
      await store.expectContentsAfterReopen();
    },
  );

  test('files, one of which is missing, is refused', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0(4, 400);
    (await store.compaction()).finish((answer) => {
      store.memory.removeNow(tempFile(answer.tables[1]!.tempNumber));
      return answer;
    });
    await eventually(() => store.count('compaction-failed') === 1);
    expect(store.files()).toHaveLength(4);
    store.held.clock.advance(1000);
    (await store.compaction()).finish();
    await eventually(() => store.tables[0] === 0);
    await store.expectContentsAfterReopen();
  });

  test('end, cancelled when nobody had asked, is a failure', async () => {
    const store = await CompactingStore.open();
    await store.fillLevel0();
    (await store.compaction()).finish(() => ({ kind: 'cancelled' }));
    await eventually(() => store.count('compaction-failed') === 1);
    store.held.clock.advance(1000);
    (await store.compaction()).finish();
    await eventually(() => store.tables[0] === 0);
    await store.expectContentsAfterReopen();
  });

  test('files, when a blocking writer meets it, has that merge again by itself', async () => {
    const store = await CompactingStore.open({ writeBufferSize: 4096 });
    await store.fillLevel0();
    // The answer is taken, and checked when the commit begins: in the middle of that the writer comes.
    (await store.compaction()).finish(LIES['entries read']!);
    for (let n = 0; store.held.executor.compactedNow === 0 && n < 3000; n++) store.putSync(n % 500);
    store.expectContents();
    await settle();
    store.held.executor.holdsCompactions = false;
    store.held.clock.advance(10_000);
    await settle();
    store.expectContents();
    await store.expectContentsAfterReopen();
  });
});
