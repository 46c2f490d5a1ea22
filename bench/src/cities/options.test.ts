import { describe, expect, test } from 'vitest';
import { CITIES_HELP, OptionError, parseCitiesOptions } from './options.ts';

describe('the options of the main job', () => {
  test('have defaults for all', () => {
    expect(parseCitiesOptions([])).toEqual({
      records: 1_000_000,
      batchRecords: 100,
      writeBufferBytes: 32 << 20,
      repeat: 1,
      samples: 10_000,
      seed: 1,
      dir: undefined,
      jsonFile: undefined,
    });
  });

  test('are taken with and without the lone -- that pnpm hands on', () => {
    const line =
      '--records 5 --batch 2 --write-buffer 1 --repeat 3 --samples 4 --seed 7 --dir d --json f'.split(' ');
    expect(parseCitiesOptions(line)).toMatchObject({ records: 5, repeat: 3, dir: 'd', jsonFile: 'f' });
    expect(parseCitiesOptions(['--', ...line])).toEqual(parseCitiesOptions(line));
  });

  test.each([
    ['--records', '0'],
    ['--records', '99999999999'],
    ['--batch', 'x'],
    ['--repeat', '-1'],
    ['--fast'],
    ['extra'],
  ])('are refused: %s %s', (...args) => {
    expect(() => parseCitiesOptions(args.filter((arg) => arg !== undefined))).toThrow(OptionError);
  });

  test('include help, which names them all', () => {
    expect(parseCitiesOptions(['--help'])).toBeUndefined();
    for (const option of ['records', 'batch', 'write-buffer', 'repeat', 'samples', 'seed', 'dir', 'json']) {
      expect(CITIES_HELP).toContain(`\n  --${option}`);
    }
  });
});
