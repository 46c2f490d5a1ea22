/** Journals whose records are whole and have contents that this engine never writes. */
import { arenaBudget, ErrorCode } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { baseStore, journalName, journalOf, namesIn, reopen, withJournals } from './journals.ts';

const base = await baseStore();
const { journal: first, lastSequence } = base;

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
