import { withoutSharedMemory } from '@arena-level/common/base/no-shared-memory.test-support';
import { Prng } from '@arena-level/common/base/prng';
import { expect, test } from 'vitest';
import { EMPTY_LEVELS, type Levels } from '../../version/version.ts';
import { createControl } from '../control/control-buffer.ts';
import { ControlWord } from '../control/control-layout.ts';
import { CatalogWriter } from '../owner/catalog-writer.ts';
import { levelsOf } from '../threads.test-support.ts';
import { CatalogReader } from './catalog-reader.ts';

const SEED = Number(process.env['SEED'] ?? 11);

function setUp() {
  const control = createControl();
  const reader = new CatalogReader(control);
  const replaced: number[] = [];
  const writer = new CatalogWriter(control, ({ id, shared }) => {
    replaced.push(id);
    reader.setBuffer(id, shared);
  });
  reader.setBuffer(writer.buffer.id, writer.buffer.shared);
  const append = (epoch: number, levels: Levels): void =>
    writer.append(
      { epoch, nextArena: epoch + 1, arenasInUse: [epoch], arenas: [{ id: epoch, generation: 2 * epoch }] },
      levels,
    );
  return { control, reader, writer, replaced, append };
}

const shown = (levels: Levels): string =>
  levels.map((tables) => tables.map(({ number }) => number)).join(' | ');

test('a reader that misses nothing, or any number of changes, finds the newest lists', () => {
  for (const readEvery of [1, 3, 200]) {
    const { reader, replaced, append } = setUp();
    const prng = new Prng(SEED);
    let numbers: number[] = [];
    for (let epoch = 1; epoch <= 600; epoch++) {
      numbers = numbers.filter(() => !prng.oneIn(40));
      for (let added = prng.below(4); added > 0; added--) numbers.push(10 * epoch + added);
      const half = Math.floor(numbers.length / 2);
      const levels = levelsOf(numbers.slice(half), numbers.slice(0, half));
      append(epoch, levels);
      if (epoch % readEvery !== 0) continue;
      const lists = reader.read(epoch);
      expect(lists).toMatchObject({
        epoch,
        arenas: [{ id: epoch, generation: 2 * epoch }],
        nextArena: epoch + 1,
      });
      expect(shown(lists!.levels)).toBe(shown(levels));
    }
    expect(replaced.length).toBeLessThan(6);
  }
});

test('a catalog that is written anew stays in its memory while that is large enough', () => {
  const { writer, replaced, append, reader } = setUp();
  for (let epoch = 1; epoch <= 2000; epoch++) append(epoch, EMPTY_LEVELS);
  expect(replaced).toEqual([]);
  expect(reader.read(2000)!.epoch).toBe(2000);
  expect(writer.buffer.id).toBe(1);
});

test('records of epochs that are not in force yet are left for later', () => {
  const { reader, append } = setUp();
  append(1, levelsOf([1]));
  append(2, levelsOf([1, 2]));
  expect(shown(reader.read(1)!.levels)).toBe(shown(levelsOf([1])));
  expect(shown(reader.read(2)!.levels)).toBe(shown(levelsOf([1, 2])));
});

test('a catalog that begins behind the epoch that is asked for has no lists for it', () => {
  const { reader, writer, append } = setUp();
  append(1, levelsOf([1]));
  expect(reader.read(1)!.epoch).toBe(1);
  let epoch = 1;
  // Until it is written anew.
  for (const { shared } = writer.buffer; writer.buffer.shared === shared; ) {
    append(++epoch, levelsOf(Array.from({ length: epoch * 20 }, (_, i) => i + 1)));
  }
  expect(reader.read(epoch - 1)).toBeUndefined();
  expect(reader.read(epoch)!.epoch).toBe(epoch);
});

test('a catalog for which there is no larger memory stays as it was, and goes on later', () => {
  const { control, reader, append } = setUp();
  const many = levelsOf(Array.from({ length: 400 }, (_, i) => i + 1));
  append(1, levelsOf([1]));
  withoutSharedMemory(() => expect(() => append(2, many)).toThrow(/allocation/));
  expect(shown(reader.read(2)!.levels)).toBe(shown(levelsOf([1])));
  append(3, many);
  expect(shown(reader.read(3)!.levels)).toBe(shown(many));
  expect(control.words[ControlWord.CatalogRewrites]).toBe(2);
});
