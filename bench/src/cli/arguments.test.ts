import { describe, expect, test } from 'vitest';
import { argumentsOf, type Defaults, OptionError, type OptionName, parseCommandLine } from './arguments.ts';
import { runCommand } from './run-command.ts';

const DEFAULTS: Defaults = { records: 1000, engines: ['all'], batches: [1, 64], repeat: 3 };
const KNOWN: readonly OptionName[] = runCommand.options;

const parse = (...args: string[]): ReturnType<typeof argumentsOf> =>
  argumentsOf(parseCommandLine(args, KNOWN).values, DEFAULTS);

describe('the command line', () => {
  test('has the defaults of the command', () => {
    const { batches, engines, repeat, settings } = parse();
    expect(settings).toMatchObject({
      records: 1000,
      reads: 1000,
      keyBytes: 16,
      valueBytes: 100,
      compressible: 0.5,
      writeBufferBytes: 32 * 2 ** 20,
      durationMs: undefined,
    });
    expect(batches).toEqual([1, 64]);
    expect(repeat).toBe(3);
    expect(engines.slice(0, 3)).toEqual(['arena', 'arena-2', 'arena-inline']);
    expect(engines).toContain('sqlite');
  });

  test('takes lists, sizes and seconds', () => {
    const { batches, engines, reads, settings } = parse(
      '--',
      '--batch',
      '1, 100,1',
      '--engine',
      'lmdb,arena',
      '--engine=classic-level',
      '--read',
      'await',
      '--write-buffer',
      '4',
      '--duration',
      '2.5',
      '--records',
      '500',
    );
    expect(batches).toEqual([1, 100]);
    expect(engines).toEqual(['arena', 'classic-level', 'lmdb']);
    expect(reads).toEqual(['await']);
    expect(settings).toMatchObject({
      writeBufferBytes: 4 * 2 ** 20,
      durationMs: 2500,
      records: 500,
      reads: 500,
    });
  });

  test.each([
    [['--records', 'many'], "--records must be a whole number from 100 to 1000000000, not 'many'"],
    [['--records', '5'], '--records must be'],
    [['--batch', '1,,2'], "--batch has an empty part in '1,,2'"],
    [['--batch', '0'], '--batch must be'],
    [['--read', 'both'], "--read must be sync or await, not 'both'"],
    [['--engine', 'mysql'], "there is no engine 'mysql'"],
    [['--key-size', '4'], '--key-size must be a whole number from 12'],
    [['--compressible', '1.5'], '--compressible must be a number from 0 to 1'],
    [['--repeat', '0'], '--repeat must be'],
    [['--rate', '5000'], '--rate means nothing here'],
    [['--unknown'], "Unknown option '--unknown'"],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(OptionError);
    expect(() => parse(...args)).toThrow(message);
  });
});

describe('the command `run`', () => {
  const prepare = (...args: string[]): unknown => runCommand.prepare(parseCommandLine(args, KNOWN));

  test.each([
    [['fillrandom', 'no-such'], "there is no workload or command 'no-such'"],
    [['fillrandom', '--key', 'id'], '--key means nothing without --file'],
    [['file'], 'the workload `file` needs --file'],
    [['--file', 'a.csv'], '--file needs --key'],
    [['--file', 'no-such.csv', '--key', 'id'], "there is no file 'no-such.csv'"],
  ])('refuses %j', (args, message) => {
    expect(() => prepare(...args)).toThrow(OptionError);
    expect(() => prepare(...args)).toThrow(message);
  });

  test('takes workloads apart at commas', () => {
    expect(() => prepare('fillrandom,readseq', 'cities')).not.toThrow();
  });
});
