import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COMMANDS } from './cli.ts';
import { CliHarness } from './cli-harness.test-support.ts';
import { ExitCode } from './command.ts';

let cli: CliHarness;
beforeEach(() => {
  cli = new CliHarness();
});
afterEach(() => cli.remove());

/** The command lines behind `Examples:`, as a shell takes them apart. */
function examplesIn(help: string): string[][] {
  const lines = help.slice(help.indexOf('Examples:\n')).split('\n').slice(1);
  return lines.filter((line) => line.includes('arena-level ')).map(wordsOf);
}

/** Words of the part of a pipe that is ours; quotes are single ones, redirections go. */
function wordsOf(line: string): string[] {
  const ours = line
    .split(' | ')
    .find((part) => part.includes('arena-level '))!
    .replace(/ > \S+$/, '');
  const words = [...ours.trim().matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  expect(words[0]).toBe('arena-level');
  return words.slice(1);
}

describe.each(COMMANDS.map((command) => [command.name, command] as const))(
  'the help of %s',
  (name, command) => {
    test('is shown for --help, -h and help, and begins with its usage', async () => {
      for (const words of [
        [name, '--help'],
        [name, '-h', '--nonsense'],
        ['help', name],
      ]) {
        expect(await cli.run(...words)).toBe(ExitCode.Ok);
        expect(cli.stdout).toBe(command.help);
        expect(cli.stderr).toBe('');
      }
      expect(command.help).toMatch(new RegExp(`^Usage: arena-level ${name} `));
    });

    test('has examples that are command lines of it', () => {
      const examples = examplesIn(command.help);
      expect(examples.length).toBeGreaterThanOrEqual(2);
      for (const [first, ...args] of examples) {
        expect(first).toBe(name);
        command.check(args);
      }
    });

    test('names every option of its examples, and fits a terminal of 120 columns', () => {
      const [explained] = command.help.split('Examples:');
      for (const word of examplesIn(command.help).flat()) {
        if (/^--\w/.test(word)) expect(explained).toContain(word);
      }
      for (const line of command.help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
    });
  },
);

test('the help of the program has examples, too, and fits', async () => {
  await cli.run('--help');
  const examples = examplesIn(cli.stdout);
  expect(examples.length).toBeGreaterThanOrEqual(3);
  for (const [name, ...args] of examples) COMMANDS.find((command) => command.name === name)!.check(args);
  for (const line of cli.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
});
