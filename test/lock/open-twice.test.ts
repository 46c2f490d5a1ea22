import { readdirSync } from 'node:fs';
import { ErrorCode } from '@arena-level/common/base/errors';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFilesIn } from '../support/descriptors.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes, text } from '../support/text-bytes.ts';
import { Opener, openHere } from './opener.ts';

let directory: string;
let openers: Opener[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  await Promise.all(openers.map((opener) => opener.kill()));
  openers = [];
});

async function start(kind: 'process' | 'worker', native: boolean): Promise<Opener> {
  const opener = await Opener.start(kind, native);
  openers.push(opener);
  return opener;
}

const locked: unknown = expect.objectContaining({ code: ErrorCode.Locked });
const named = (native: boolean): string => `${native ? 'with' : 'without'} the native package`;
const cases = [true, false].flatMap((first) => [true, false].map((second) => ({ first, second })));

describe.each(
  cases.map((one) => ({ ...one, name: `${named(one.first)}, a second open ${named(one.second)}` })),
)('a store that is open $name', ({ first, second }) => {
  test('is refused in the same thread, and the first goes on, and leaves it to the next', async () => {
    const store = await openHere(directory, first);
    await store.put(bytes('key'), bytes('value'));
    const files = readdirSync(directory).sort();
    const open = openFilesIn(directory).sort();
    await expect(openHere(directory, second)).rejects.toEqual(locked);
    expect(readdirSync(directory).sort()).toEqual(files);
    expect(openFilesIn(directory).sort()).toEqual(open);
    await store.put(bytes('later'), bytes('value'), { sync: true });
    await store.close();
    const again = await openHere(directory, second);
    expect([text(again.getSync(bytes('key'))), text(again.getSync(bytes('later')))]).toEqual([
      'value',
      'value',
    ]);
    await again.close();
  });

  test.each(['worker', 'process'] as const)(
    'is refused in another %s, and the other way round',
    async (kind) => {
      const other = await start(kind, second);
      const store = await openHere(directory, first);
      expect((await other.ask('open', directory)).outcome).toBe(ErrorCode.Locked);
      await store.put(bytes('key'), bytes('value'));
      await store.close();

      const here = await other.ask('open', directory);
      expect(here.outcome, here.message).toBe('done');
      await expect(openHere(directory, first)).rejects.toEqual(locked);
      expect((await other.ask('close')).outcome).toBe('done');
      const again = await openHere(directory, first);
      expect(text(again.getSync(bytes('key')))).toBe('value');
      await again.close();
    },
  );

  test.each(['worker', 'process'] as const)('is taken over from a killed %s', async (kind) => {
    const other = await start(kind, first);
    expect((await other.ask('open', directory)).outcome).toBe('done');
    await other.kill();
    await (await openHere(directory, second)).close();
  });
});

describe.each([true, false])('a store that classic-level has open', (native) => {
  test(`is refused ${named(native)}, in the same process and in another`, async () => {
    const classic = new ClassicLevel(directory);
    await classic.put('key', 'value');
    await expect(openHere(directory, native)).rejects.toEqual(locked);
    const other = await start('process', native);
    expect((await other.ask('open', directory)).outcome).toBe(ErrorCode.Locked);
    await classic.put('later', 'value');
    await classic.close();
    const store = await openHere(directory, native);
    expect([text(store.getSync(bytes('key'))), text(store.getSync(bytes('later')))]).toEqual([
      'value',
      'value',
    ]);
    await store.close();
  });
});

test('a store that we have open with the native package is refused to classic-level, and given to it afterwards', async () => {
  const store = await openHere(directory, true);
  const other = await start('process', true);
  await expect(new ClassicLevel(directory).open()).rejects.toMatchObject({
    cause: { code: ErrorCode.Locked },
  });
  expect((await other.ask('open-classic', directory)).outcome).toBe(ErrorCode.Locked);
  await store.put(bytes('key'), bytes('value'));
  await store.close();
  const classic = new ClassicLevel(directory);
  expect(await classic.get('key')).toBe('value');
  await classic.close();
});
