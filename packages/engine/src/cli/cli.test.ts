import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COMMANDS } from './cli.ts';
import { CliHarness } from './cli-harness.test-support.ts';
import { ExitCode } from './command.ts';

let cli: CliHarness;
beforeEach(() => {
  cli = new CliHarness();
});
afterEach(() => cli.remove());

describe('the program', () => {
  test.each([['--help'], ['-h'], ['help']])('lists its commands for %s', async (word) => {
    expect(await cli.run(word)).toBe(ExitCode.Ok);
    expect(cli.stdout).toContain('Usage: arena-level <command>');
    for (const { name } of COMMANDS) expect(cli.stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'));
    expect(cli.stderr).toBe('');
  });

  test.each([
    ['ingest', '--help'],
    ['ingest', '-h'],
    ['help', 'ingest'],
    ['ingest', '--unknown', '--help'],
  ])('explains a command for %s %s', async (...words) => {
    expect(await cli.run(...words)).toBe(ExitCode.Ok);
    expect(cli.stdout).toContain('Usage: arena-level ingest');
    expect(cli.stdout).toContain('Examples:');
  });

  test('takes --help behind a lone -- for a file', async () => {
    expect(await cli.run('ingest', '--db', 'd', '--key', 'id', '--format', 'csv', '--', '--help')).toBe(
      ExitCode.Problem,
    );
    expect(cli.stderr).toBe("arena-level: cannot read '--help': there is no such file\n");
  });

  test('tells its version', async () => {
    expect(await cli.run('--version')).toBe(ExitCode.Ok);
    expect(cli.stdout).toBe('1.2.3\n');
  });

  test.each([
    [[], 'no command given'],
    [['eat'], "unknown command 'eat'; see 'arena-level --help'"],
    [['scna'], "unknown command 'scna'; did you mean 'scan'?; see"],
    [['help', 'verfiy'], "unknown command 'verfiy'; did you mean 'verify'?"],
    [['--fast'], "unknown option '--fast'"],
    [['ingest'], "no source given: a file, or '-' for stdin; see 'arena-level help ingest'"],
  ])('refuses %j with exit code 2 and one line', async (args, message) => {
    expect(await cli.run(...args)).toBe(ExitCode.Usage);
    expect(cli.stderr).toContain(`arena-level: ${message}`);
    expect(cli.stderr).toMatch(/^arena-level: .*; see 'arena-level (--help|help \w+)'\n$/);
    expect(cli.stdout).toBe('');
  });
});
