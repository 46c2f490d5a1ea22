import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../packages/engine/src/cli/cli.ts';

const GUIDE = readFileSync(new URL('../../docs/guides/command-line.md', import.meta.url), 'utf8');

test('the guide to the command line has every command, and its command lines are right', () => {
  for (const { name } of COMMANDS) expect(GUIDE).toMatch(new RegExp(`^\\|.*\`${name}\\b`, 'm'));
  const lines = [...GUIDE.matchAll(/^\$ arena-level (.*)$/gm)].map(([, line]) => line!);
  expect(lines.length).toBeGreaterThanOrEqual(8);
  for (const line of lines) {
    const [name, ...args] = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, plain]) => quoted ?? plain!,
    );
    COMMANDS.find((command) => command.name === name)!.check(args);
  }
});
