/** Journals whose records are whole and have contents that this engine never writes. */
import { arenaBudget, ErrorCode, MAX_KEY_BYTES, setArenaBudget } from 'arena-level/engine';
import { afterEach, describe, expect, test } from 'vitest';
import { baseStore, journalName, journalOf, namesIn, reopen, withJournals } from './journals.ts';

const base = await baseStore();
const { journal: first, lastSequence } = base;
const { limitBytes } = arenaBudget();
afterEach(() => setArenaBudget(limitBytes));

describe('a record with sequence number 0', () => {
  const good = { sequence: lastSequence + 1, puts: ['a'] };
  const journal = journalOf([good, { sequence: 0, puts: ['b', 'c'] }]);
  const at = journalOf([good]).length;

  test('is damage, by file and offset, and leaves no arena behind', async () => {
    const before = arenaBudget().usedBytes;
    await expect(reopen(withJournals(base, [[first, journal]]))).rejects.toMatchObject({
      code: ErrorCode.Corruption,
      file: journalName(first),
      offset: at,
    });
    expect(arenaBudget().usedBytes).toBe(before);
  });

  test('is stepped over under skip', async () => {
    const store = await reopen(withJournals(base, [[first, journal]]), { recover: 'skip' });
    expect(namesIn(store)).toEqual(['a']);
    expect(store.recovery.damage).toMatchObject([{ file: journalName(first), offset: at }]);
    await store.close();
  });
});

describe('a journal whose sequence numbers descend', () => {
  const COUNT = 300;
  const records = Array.from({ length: COUNT }, (_, i) => ({
    sequence: lastSequence + COUNT - i,
    puts: [`key ${String(i).padStart(3, '0')}`],
  }));

  test('is replayed whole, within the memory of a few arenas', async () => {
    setArenaBudget(2 ** 20);
    const store = await reopen(withJournals(base, [[first, journalOf(records)]]));
    expect(namesIn(store)).toEqual(records.flatMap(({ puts }) => puts));
    expect(store.recovery).toMatchObject({ groups: COUNT, entries: COUNT, tablesWritten: COUNT });
    expect(store.stats().lastSequence).toBe(lastSequence + COUNT);
    await store.close();
  });
});

describe('journals that give a sequence number twice', () => {
  const journal = journalOf([
    { sequence: lastSequence + 1, puts: ['a', 'b'] },
    { sequence: lastSequence + 2, puts: ['c'] },
  ]);

  test('are refused where the store is only read, and are all there behind an open for writing', async () => {
    const storage = withJournals(base, [[first, journal]]);
    await expect(reopen(storage, { readOnly: true })).rejects.toMatchObject({ code: ErrorCode.NotSupported });
    await (await reopen(storage)).close();
    const store = await reopen(storage, { readOnly: true });
    expect(namesIn(store)).toEqual(['a', 'b', 'c']);
    await store.close();
  });
});

describe('a write above our limits, by another implementation', () => {
  const key = Buffer.alloc(MAX_KEY_BYTES + 1, 'k').toString('latin1');
  const good = { sequence: lastSequence + 1, puts: ['a'] };
  const journal = journalOf([good, { sequence: lastSequence + 2, puts: [key] }]);

  test.each(['stop', 'truncate', 'skip'] as const)(
    'is not damage: it stops the open, by file and offset, under recover %s',
    async (recover) => {
      const storage = withJournals(base, [[first, journal]]);
      await expect(reopen(storage, { recover })).rejects.toMatchObject({
        code: ErrorCode.NotSupported,
        file: journalName(first),
        offset: journalOf([good]).length,
      });
      expect(storage.fileNames()).toContain(journalName(first));
    },
  );
});
