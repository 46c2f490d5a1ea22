import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { LiveVersions } from './live-versions.ts';
import { table } from './table.test-support.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_122);
const tables = Array.from({ length: 200 }, (_, number) => table(number, 'a', 'b'));

function track(): { live: LiveVersions; obsolete: number[] } {
  const obsolete: number[] = [];
  return { live: new LiveVersions(({ number }) => obsolete.push(number)), obsolete };
}

describe('LiveVersions', () => {
  test('calls a table obsolete when the last version that has it is released', () => {
    const { live, obsolete } = track();
    live.install(1, [tables[1]!], []);
    live.install(2, [tables[2]!], [tables[1]!]);
    expect([...live.tables()].sort()).toEqual([1, 2]);
    live.release(1);
    expect(obsolete).toEqual([1]);
    expect([...live.tables()]).toEqual([2]);
  });

  test('keeps a table for an old version that is held, while newer ones come and go', () => {
    const { live, obsolete } = track();
    live.install(1, [tables[1]!], []);
    live.install(2, [tables[2]!], [tables[1]!]);
    live.install(3, [tables[3]!], [tables[2]!]);
    live.release(2);
    expect(obsolete).toEqual([2]);
    live.release(1);
    expect(obsolete).toEqual([2, 1]);
  });

  test('lets a table go that came and went while an older version was held', () => {
    const { live, obsolete } = track();
    live.install(1, [tables[1]!], []);
    live.install(2, [tables[2]!], []);
    live.install(3, [], [tables[2]!]);
    live.release(2);
    expect(obsolete).toEqual([2]);
  });

  test('refuses to remove what no version has', () => {
    expect(() => track().live.install(1, [], [tables[1]!])).toThrow(/invariant/);
  });

  test(`agrees with a look at every live version, whatever comes and goes (seed ${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 100; round++) {
      const { live, obsolete } = track();
      const versions = new Map<number, ReadonlySet<TableMetadata>>();
      let current: ReadonlySet<TableMetadata> = new Set();
      let next = 0;
      for (let id = 1; id < 60; id++) {
        const removed = [...current].filter(() => prng.oneIn(4));
        const added = tables.slice(next, next + prng.below(4));
        next += added.length;
        current = new Set([...current, ...added].filter((candidate) => !removed.includes(candidate)));
        versions.set(id, current);
        live.install(id, added, removed);
        for (const held of [...versions.keys()]) {
          if (held === id || !prng.oneIn(3)) continue;
          versions.delete(held);
          live.release(held);
        }
        const inUse = new Set(
          [...versions.values()].flatMap((held) => [...held].map(({ number }) => number)),
        );
        const gone = tables
          .slice(0, next)
          .map(({ number }) => number)
          .filter((number) => !inUse.has(number));
        const message = `round ${round}, version ${id}`;
        expect(
          [...live.tables()].sort((a, b) => a - b),
          message,
        ).toEqual([...inUse].sort((a, b) => a - b));
        expect(
          [...obsolete].sort((a, b) => a - b),
          message,
        ).toEqual(gone);
      }
    }
  });
});
