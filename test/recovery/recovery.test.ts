import { ErrorCode } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { logOf } from '../damage/manifests.ts';
import { bytes } from '../support/text-bytes.ts';
import {
  baseStore,
  journalName,
  journalOf,
  namesIn,
  type RecordSpec,
  reopen,
  withJournals,
} from './journals.ts';

const base = await baseStore();
const { journal: first, lastSequence } = base;
const NOTHING = { created: false, groups: 0, entries: 0, tablesWritten: 0, lost: [], damage: [] };

/** Records of two writes each, from `at` writes behind the base on, and the opening record before them. */
function records(at: number, names: readonly string[]): RecordSpec[] {
  const opening = { sequence: lastSequence + 1 + at, puts: [] };
  const written = names.map((name, i) => ({
    sequence: lastSequence + 1 + at + 2 * i,
    puts: [`${name}1`, `${name}2`],
  }));
  return [opening, ...written];
}

const older = journalOf(records(0, ['a', 'b']));
const newer = journalOf(records(4, ['c', 'd']));

describe('an open', () => {
  test('of a store that was closed has nothing to do, and says so', async () => {
    const storage = withJournals(base, []);
    const store = await reopen(storage);
    expect(store.recovery).toMatchObject(NOTHING);
    expect(store.recovery.tear).toBeUndefined();
    await store.close();
  });

  test('replays several journals in order, makes tables of them, and removes them', async () => {
    const storage = withJournals(base, [
      [first, older],
      [first + 3, newer],
    ]);
    const store = await reopen(storage);
    expect(namesIn(store)).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2', 'd1', 'd2']);
    expect(store.recovery).toMatchObject({ ...NOTHING, groups: 4, entries: 8, tablesWritten: 1 });
    expect(store.recovery.removed).toEqual(
      expect.arrayContaining([journalName(first), journalName(first + 3)]),
    );
    expect(store.stats().lastSequence).toBe(lastSequence + 8);
    await store.close();
    const again = await reopen(storage);
    expect(namesIn(again)).toHaveLength(8);
    expect(again.recovery).toMatchObject(NOTHING);
    await again.close();
  });

  test('ignores journals below the one that the manifest names, and removes them', async () => {
    const stale = journalOf([{ sequence: 1, puts: ['stale'] }]);
    const storage = withJournals(base, [[first - 1, stale]]);
    const store = await reopen(storage);
    expect(namesIn(store)).toEqual([]);
    expect(store.recovery.removed).toContain(journalName(first - 1));
    await store.close();
  });

  test('removes what an unfinished flush left: temporary files, and tables no version has', async () => {
    const [table] = [...base.files].find(([name]) => name.endsWith('.ldb'))!;
    const files = new Map([
      ...base.files,
      ['000700.dbtmp', bytes('half a table')] as const,
      ['000701.ldb', base.files.get(table)!] as const,
      [journalName(first), older] as const,
    ]);
    const storage = withJournals({ ...base, files }, []);
    const store = await reopen(storage);
    expect(namesIn(store)).toEqual(['a1', 'a2', 'b1', 'b2']);
    expect(store.recovery.removed).toEqual(expect.arrayContaining(['000700.dbtmp', '000701.ldb']));
    await store.close();
  });

  test('applies foreign journals whose sequence numbers go back, as LevelDB does', async () => {
    const backwards = journalOf([
      { sequence: lastSequence + 50, puts: ['x'] },
      { sequence: lastSequence + 10, puts: ['y'] },
    ]);
    const store = await reopen(withJournals(base, [[first, backwards]]));
    expect(namesIn(store)).toEqual(['x', 'y']);
    expect(store.stats().lastSequence).toBe(lastSequence + 50);
    await store.close();
  });

  test('refuses a sequence number above 2^53 - 1', async () => {
    const huge = journalOf([{ sequence: Number.MAX_SAFE_INTEGER, puts: ['x', 'y'] }]);
    await expect(reopen(withJournals(base, [[first, huge]]))).rejects.toMatchObject({
      code: ErrorCode.Corruption,
      file: journalName(first),
      offset: 0,
    });
  });
});

describe('a tear', () => {
  const boundaries = [0, 19];
  for (let at = 19; at < older.length; boundaries.push(at)) at += 7 + older[at + 4]! + 256 * older[at + 5]!;

  test('at any length of the last journal leaves the records before it, and is reported', async () => {
    for (let length = 0; length < older.length; length++) {
      const store = await reopen(withJournals(base, [[first, older.subarray(0, length)]]));
      const whole = Math.max(boundaries.findLastIndex((end) => end <= length) - 1, 0);
      expect(namesIn(store), `cut to ${length}`).toEqual(['a1', 'a2', 'b1', 'b2'].slice(0, 2 * whole));
      expect(store.recovery.groups).toBe(whole);
      const { tear, lost } = store.recovery;
      if (boundaries.includes(length)) {
        expect(tear).toBeUndefined();
      } else {
        const offset = boundaries.findLast((end) => end <= length);
        expect(tear).toMatchObject({ file: journalName(first), offset });
        expect(lost).toEqual([journalName(first)]);
      }
      await store.close();
    }
  });

  test('in an older journal takes the later ones with it, which are kept in lost/', async () => {
    for (const length of [older.length - 1, boundaries.at(-2)!, 25, 19, 12]) {
      const storage = withJournals(base, [
        [first, older.subarray(0, length)],
        [first + 1, newer],
      ]);
      const store = await reopen(storage);
      const whole = Math.max(boundaries.findLastIndex((end) => end <= length) - 1, 0);
      expect(namesIn(store)).toEqual(['a1', 'a2', 'b1', 'b2'].slice(0, 2 * whole));
      expect(store.recovery.lost).toContain(journalName(first + 1));
      expect(storage.fileNames()).toContain(`lost/${journalName(first + 1)}`);
      expect(Buffer.compare(storage.snapshot().get(`lost/${journalName(first + 1)}`)!, newer)).toBe(0);
      await store.put(bytes('after'), bytes('value'));
      await store.close();
      const again = await reopen(storage);
      expect(namesIn(again)).toEqual([...['a1', 'a2'].slice(0, whole > 0 ? 2 : 0), 'after']);
      expect(again.recovery).toMatchObject({ entries: 1, lost: [], damage: [] });
      expect(again.recovery.tear).toBeUndefined();
      await again.close();
    }
  });

  test('between two journals, which the opening record of the second shows, ends there too', async () => {
    const behindGap = journalOf(records(6, ['d']));
    const storage = withJournals(base, [
      [first, older],
      [first + 1, behindGap],
    ]);
    const store = await reopen(storage);
    expect(namesIn(store)).toEqual(['a1', 'a2', 'b1', 'b2']);
    expect(store.recovery).toMatchObject({
      tear: { file: journalName(first + 1), offset: 0, reason: expect.stringContaining('missing') },
      lost: [journalName(first + 1)],
    });
    await store.close();
  });
});

describe('damage in a journal', () => {
  const damaged = older.slice();
  // In the payload of the second record, with a good one behind it.
  damaged[40]! ^= 0x40;
  const journals = [
    [first, damaged],
    [first + 1, newer],
  ] as const;

  test('stops the open, by file and offset', async () => {
    await expect(reopen(withJournals(base, journals))).rejects.toMatchObject({
      code: ErrorCode.Corruption,
      file: journalName(first),
      offset: 19,
    });
  });

  test('is where the contents end under truncate; the rest is kept in lost/', async () => {
    const storage = withJournals(base, journals);
    const store = await reopen(storage, { recover: 'truncate' });
    expect(namesIn(store)).toEqual([]);
    expect(store.recovery.damage).toMatchObject([{ file: journalName(first), offset: 19 }]);
    expect([...store.recovery.lost].sort()).toEqual([journalName(first), journalName(first + 1)]);
    expect(storage.fileNames()).toEqual(
      expect.arrayContaining([`lost/${journalName(first)}`, `lost/${journalName(first + 1)}`]),
    );
    await store.close();
  });

  test('is stepped over under skip, with what its block holds; later journals are read', async () => {
    const store = await reopen(withJournals(base, journals), { recover: 'skip' });
    expect(namesIn(store)).toEqual(['c1', 'c2', 'd1', 'd2']);
    expect(store.recovery.damage).toMatchObject([{ file: journalName(first), offset: 19 }]);
    await store.close();
  });

  test('that is a batch of wrong contents under a right checksum is damage, too', async () => {
    const wrong = journalOf([{ sequence: lastSequence + 1, puts: ['a', 'b'] }]);
    // One entry more than there is; the checksum is made again by writing the record anew.
    const record = wrong.slice(7);
    record[8]! += 1;
    const storage = (): ReturnType<typeof withJournals> => withJournals(base, [[first, logOf([record])]]);
    await expect(reopen(storage())).rejects.toMatchObject({
      code: ErrorCode.Corruption,
      file: journalName(first),
      offset: 0,
    });
    for (const recover of ['truncate', 'skip'] as const) {
      const store = await reopen(storage(), { recover });
      expect(namesIn(store)).toEqual([]);
      expect(store.recovery.damage).toMatchObject([{ file: journalName(first), offset: 0 }]);
      await store.close();
    }
  });
});
