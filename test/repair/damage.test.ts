import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { sampleStore } from '../damage/sample-store.ts';
import { seedFromEnvironment } from '../support/seed.ts';
import { changed, flipped, repairInMemory } from './repaired.ts';

const SEED = seedFromEnvironment(20_251_126);
const ONE_IN = 25;

describe('a store with a damaged file', () => {
  test.each(['none', 'snappy'] as const)(
    `opens after a repair, and holds nothing that was never written (%s, seed ${SEED})`,
    async (compression) => {
      const { files, states } = await sampleStore(compression);
      const prng = new Prng(SEED);
      const whole = states.at(-1)!;
      const isOneOf = (key: string, value: string): boolean =>
        new RegExp(`^(first|second|third) ${Number(key.slice(4))} -*$`).test(value);
      let complete = 0;
      let tried = 0;
      for (const [file, contents] of files) {
        for (let offset = 0; offset < contents.length; offset++) {
          if (!prng.oneIn(ONE_IN)) continue;
          const cut = prng.oneIn(2);
          const damaged = cut ? contents.subarray(0, offset) : flipped(contents, offset);
          const what = `${file} ${cut ? 'cut to' : 'changed at'} ${offset}`;
          const { contents: found } = await repairInMemory(changed(files, { [file]: damaged })).catch(
            (error: unknown) => {
              throw new Error(what, { cause: error });
            },
          );
          for (const [key, value] of found)
            expect(isOneOf(key, value), `${what}: ${key}=${value}`).toBe(true);
          tried++;
          const isWhole = [...whole].every(([key, value]) => found.get(key) === value);
          if (isWhole) complete++;
          // Manifests and side files hold nothing of their own.
          if (!/\.(ldb|log)$/.test(file)) expect(isWhole, what).toBe(true);
        }
      }
      expect(tried).toBeGreaterThan(50);
      expect(complete).toBeGreaterThan(tried / 5);
    },
    60_000,
  );
});
