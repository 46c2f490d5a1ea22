import { join } from 'node:path';
import { ArenaLevel } from 'arena-level';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { entriesOf, liveWith } from './drop-in.ts';

test('a program does the same on either database, and goes on with the files of the other', async () => {
  const directory = temporaryDirectory();
  const [ours, theirs] = [join(directory, 'ours'), join(directory, 'theirs')];
  const expected = await liveWith(ClassicLevel, theirs);
  const seen = await liveWith(ArenaLevel, ours);
  expect(seen.slice(1)).toEqual(expected.slice(1));

  const entries = await entriesOf(ClassicLevel, ours);
  expect(await entriesOf(ArenaLevel, theirs)).toEqual(entries);
  expect(entries.length).toBeGreaterThan(600);
  // Each was written to by the other now.
  expect(await entriesOf(ArenaLevel, ours)).toEqual(await entriesOf(ClassicLevel, theirs));
});
