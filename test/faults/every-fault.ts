/** An action in which each operation that it makes fails once, for tests of one action with promises of its own. */
import { Prng } from '@arena-level/common/base/prng';
import type { FaultRule } from '@arena-level/common/storage/fault-plan';
import { expect } from 'vitest';
import { type FaultKind, faultKinds, nameOfFault } from './fault-loop.ts';
import type { FaultyStore } from './faulty-store.ts';

/** The kinds of operations that an action makes, as faults with this errno, each once. */
export async function faultsMet(
  { storage }: FaultyStore,
  errno: string,
  act: () => Promise<void>,
): Promise<FaultKind[]> {
  const counted = faultKinds().filter((kind) => kind.times === 1 && kind.errno === errno);
  const count = ({ operation, type }: FaultKind): number => storage.countOf(operation, type);
  const before = counted.map(count);
  await act();
  return counted.filter((kind, i) => count(kind) > before[i]!);
}

/** Runs a case for the first, the second, … operation of each kind until none fails. Returns how many have. */
export async function failEach(
  kinds: readonly FaultKind[],
  runCase: (rule: FaultRule, prng: Prng) => Promise<{ fired: boolean; problems: readonly string[] }>,
): Promise<number> {
  const prng = new Prng(1);
  let cases = 0;
  for (const kind of kinds) {
    for (let nth = 1, fired = true; fired; nth++) {
      const result = await runCase({ ...kind, nth }, prng);
      expect(result.problems, `number ${nth} of ${nameOfFault(kind)}`).toEqual([]);
      ({ fired } = result);
      if (fired) cases++;
    }
  }
  return cases;
}
