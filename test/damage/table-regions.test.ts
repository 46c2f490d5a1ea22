import { ErrorCode } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { openDamaged } from './check-damaged.ts';
import { fileLike, type SampleStore, sampleStore } from './sample-store.ts';
import { tableRegions } from './table-regions.ts';

const sample = await sampleStore('none');
const [table] = fileLike(sample.files, /\.ldb$/);
const all = sample.states.length - 1;
const regions = tableRegions(sample.files.get(table!)!);

async function damagedAt(store: SampleStore, offset: number) {
  const bytes = store.files.get(table!)!.slice();
  bytes[offset]! ^= 0x10;
  const outcome = await openDamaged(store, new Map([...store.files, [table!, bytes]]));
  if (outcome.kind === 'refused') throw new Error('the open reads no table');
  return outcome;
}

describe('damage in a table', () => {
  test('is looked for in every region', () => {
    expect(Object.keys(regions)).toEqual(['data', 'filter', 'merkle', 'metaindex', 'index', 'footer']);
  });

  test.each(['data', 'index', 'footer'] as const)(
    'in its %s is an error of the reads it concerns, and verify reports it',
    async (region) => {
      const { states, errors, differing } = await damagedAt(sample, regions[region].offset);
      expect(states).toContain(all);
      expect(errors.length).toBeGreaterThan(0);
      expect(new Set(errors.map(({ code, file }) => `${code} ${file}`))).toEqual(
        new Set([`${ErrorCode.Corruption} ${table}`]),
      );
      expect(differing).toBe(1);
    },
  );

  test.each(['filter', 'merkle', 'metaindex'] as const)(
    'in its %s leads to no wrong read, and verify reports it',
    async (region) => {
      const { offset, size } = regions[region];
      for (const at of [offset, offset + (size >>> 1), offset + size - 1]) {
        const { states, differing } = await damagedAt(sample, at);
        expect(states).toContain(all);
        expect(differing).toBe(1);
      }
    },
  );

  test('in one block leaves the reads of all others alone', async () => {
    const { errors, states } = await damagedAt(sample, regions.data.offset);
    const { errors: ofWhole } = await damagedAt(sample, regions.index.offset);
    expect(states).toContain(all);
    expect(errors.length).toBeLessThan(ofWhole.length);
  });
});
