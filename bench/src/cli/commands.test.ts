import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { reportOf, runResult } from '../report/reports.test-support.ts';
import { WorkFolder } from '../support/work-folder.ts';
import { OptionError, parseCommandLine } from './arguments.ts';
import { COMMANDS, HELP } from './commands.ts';
import { newestResult } from './guard-command.ts';
import { Session } from './session.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function prepare(name: string, ...args: string[]): ReturnType<(typeof COMMANDS)[number]['prepare']> {
  const command = COMMANDS.find((one) => one.name === name)!;
  return command.prepare(parseCommandLine(args, command.options));
}

function sessionIn(dir: string): { output: PassThrough; session: Session; workFolder: WorkFolder } {
  const output = new PassThrough();
  const workFolder = new WorkFolder(dir);
  return {
    output,
    session: new Session(workFolder, new AbortController().signal, output, false),
    workFolder,
  };
}

function written(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const before = written('before.json', reportOf([500, 510, 520].map((settledMs) => runResult({ settledMs }))));
const after = written('after.json', reportOf([250, 255, 260].map((settledMs) => runResult({ settledMs }))));

describe('commands', () => {
  test('are in the help, and each has one of its own with an example', () => {
    for (const { help, name } of COMMANDS) {
      expect(HELP).toContain(`  ${name} `);
      expect(help).toMatch(/^Usage: pnpm bench/);
    }
  });

  test.each([
    ['flush', ['--batch', '64'], '--batch must be one number of records here'],
    ['flush', ['fillrandom'], "'fillrandom' means nothing here"],
    ['list', ['engines'], "'engines' means nothing here"],
    ['server', ['--batch', '100,200'], '--batch must be one number of records here'],
    ['threads', ['--batch', '100,200'], '--batch must be one number of records here'],
    ['threads', ['--engine', 'arena,sqlite'], "threads cannot share a store of 'sqlite'"],
    ['threads', ['--rate', '1000'], '--rate means nothing here'],
    ['scale', ['--max-records', '1000'], '--max-records is less than --records'],
    ['scale', ['--engine', 'memory-level'], "'memory-level' has nothing to open again"],
    ['guard', ['--engine', 'arena'], '--engine means nothing here'],
    ['compare', ['one.json'], 'compare needs two files'],
    ['compare', ['none.json', 'none.json'], "cannot read 'none.json'"],
    ['compare', [before, written('other.json', { format: 'other' })], 'is not a report of this benchmark'],
    [
      'compare',
      [before, written('newer.json', { ...reportOf([]), version: 99 })],
      'is a report of version 99',
    ],
    ['report', [before], 'report needs --out'],
    ['report', ['--out', 'x'], 'report needs the figures of at least one command'],
  ])('%s refuses %j', (name, args, message) => {
    expect(() => prepare(name, ...args)).toThrow(OptionError);
    expect(() => prepare(name, ...args)).toThrow(message);
  });

  test('compare says what got faster', async () => {
    const lines: string[] = [];
    const command = prepare('compare', before, after);
    if (!('run' in command)) throw new Error('it measures');
    await command.run({ print: (text) => lines.push(text) });
    expect(lines.join('\n')).toMatch(/better \(1\)\n.*records\/s +1,961 .* x 2\.00/);
  });
});

describe('a command that measures', () => {
  test('looks first whether its reports can be written', async () => {
    const out = join(written('no-folder.json', {}), 'reports');
    const command = prepare('run', 'fillrandom', '--out', out);
    if (!('measure' in command)) throw new Error('it does not measure');
    const { output, session, workFolder } = sessionIn(folder);
    await expect(command.measure(session)).rejects.toThrow(`reports cannot be written to '${out}'`);
    expect(output.read()).toBeNull();
    workFolder.remove();
  });
});

describe('the newest result', () => {
  test('is the one that was measured last, among those of the guard', () => {
    const results = mkdtempSync(join(folder, 'results-'));
    const of = (time: string, command: 'run' | 'guard'): unknown => {
      const report = reportOf([runResult()], command);
      return { ...report, machine: { ...report.machine, time } };
    };
    const write = (name: string, content: unknown): void =>
      writeFileSync(join(results, name), JSON.stringify(content));
    expect(newestResult(results)).toBeUndefined();
    write('a.json', of('2026-03-01T00:00:00.000Z', 'guard'));
    write('b.json', of('2026-02-01T00:00:00.000Z', 'guard'));
    write('c.json', of('2026-04-01T00:00:00.000Z', 'run'));
    expect(newestResult(results)?.machine.time).toBe('2026-03-01T00:00:00.000Z');
    expect(newestResult(join(results, 'none'))).toBeUndefined();
  });
});
