/** Insert and find by key shape, size of the arena and kind of index. */
import { MAX_SEQUENCE, MIB } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import { type MemDb, MemDbKind } from '@arena-level/common/memdb/memdb';
import { type Case, check, type Group, timed } from '../measure.ts';
import { type Entries, KEY_SHAPES, type KeyShape, makeEntries, shuffle } from './entries.ts';
import { activeMemDb, entriesThatFit, filledMemDb, insertEntries, preparedArena } from './filled-arena.ts';

interface Variant {
  readonly name: string;
  readonly kind: MemDbKind;
  readonly isToldPrefix?: boolean;
}

const PLAIN: readonly Variant[] = Object.values(MemDbKind).map((kind) => ({ name: kind, kind }));
/** The skiplist compares the words behind the common prefix when it is told of one. */
const WITH_PREFIX: readonly Variant[] = [
  ...PLAIN,
  { name: 'skiplist, told the prefix', kind: MemDbKind.Skiplist, isToldPrefix: true },
];
const SIZES_MIB = [8, 32] as const;
const FINDS = 100_000;

export const memDbGroups: readonly Group[] = KEY_SHAPES.flatMap((shape) =>
  SIZES_MIB.flatMap((size) => groupsOf(shape, size)),
);

function groupsOf(shape: KeyShape, sizeMiB: number): Group[] {
  const variants = shape === 'random' ? PLAIN : WITH_PREFIX;
  const entries = (): Entries => makeEntries(shape, entriesThatFit(sizeMiB * MIB));
  return [
    {
      name: `MemDB insert, ${shape} keys, ${sizeMiB} MiB`,
      operation: 'entry',
      cases: () => {
        const shared = entries();
        return variants.map((variant) => insertCase(variant, shared));
      },
    },
    {
      name: `MemDB find, ${shape} keys, ${sizeMiB} MiB`,
      operation: 'find',
      cases: () => {
        const shared = entries();
        return variants.map((variant) => findCase(variant, shared));
      },
    },
  ];
}

function insertCase({ name, kind, isToldPrefix }: Variant, entries: Entries): Case {
  const arena = preparedArena(kind, entries.count);
  return {
    name,
    sample() {
      const memdb = activeMemDb(arena, isToldPrefix ? entries.commonPrefix : undefined);
      const sample = timed(entries.count, () => insertEntries(memdb, entries, 0, entries.count, 100));
      check(memdb.count === entries.count, 'all entries are in');
      return sample;
    },
  };
}

function findCase({ name, kind, isToldPrefix }: Variant, entries: Entries): Case {
  const memdb = filledMemDb(
    preparedArena(kind, entries.count),
    entries,
    isToldPrefix ? entries.commonPrefix : undefined,
  );
  const order = Array.from({ length: entries.count }, (_, at) => at);
  shuffle(order, new Prng(1));
  const keys = order.slice(0, FINDS).map((at) => entries.keys[at]!);
  return {
    name,
    sample() {
      let found = 0;
      const sample = timed(keys.length, () => {
        found = countFound(memdb, keys);
      });
      check(found === keys.length, 'every key is found');
      return sample;
    },
  };
}

function countFound(memdb: MemDb, keys: readonly Buffer[]): number {
  let found = 0;
  for (const key of keys) {
    const node = memdb.find(key, 0, key.length, MAX_SEQUENCE);
    if (node !== 0 && memdb.keyLength(node) === key.length) found++;
  }
  return found;
}
