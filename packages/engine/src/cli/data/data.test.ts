/** get, put, del, scan and count, in this process. */
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { open } from '../../db/open-store.ts';
import { CliHarness } from '../cli-harness.test-support.ts';
import { ExitCode } from '../command.ts';

let cli: CliHarness;
let db: string;
beforeEach(() => {
  cli = new CliHarness();
  db = cli.path('db');
});
afterEach(() => cli.remove());

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** Some of it in a table, the rest in the journal. */
async function store(entries: Readonly<Record<string, string>>): Promise<void> {
  const opened = await open(db, { flush: 'inline' });
  const all = Object.entries(entries);
  for (const [index, [key, value]] of all.entries()) {
    await opened.put(bytes(key), bytes(value));
    if (index === Math.floor(all.length / 2)) await opened.flush();
  }
  await opened.close();
}

/** Runs a line that must be fine, and returns what it prints. */
async function ok(...args: string[]): Promise<string> {
  expect([await cli.run(...args), cli.stderr]).toEqual([ExitCode.Ok, '']);
  return cli.stdout;
}

async function problem(...args: string[]): Promise<string> {
  expect(await cli.run(...args)).toBe(ExitCode.Problem);
  expect(cli.stdout).toBe('');
  return cli.stderr;
}

const FRUIT = { apple: 'red', 'a\0b': '\xff\x00', banana: '{"n": 1.50,\n"x": []}', cherry: '' };

describe('get', () => {
  test('prints the value of a key, in every notation', async () => {
    await store(FRUIT);
    expect(await ok('get', db, 'apple')).toBe('red\n');
    expect(await ok('get', db, 'a\\x00b')).toBe('\\xff\\x00\n');
    expect(await ok('get', db, '610062', '--encoding', 'hex')).toBe('ff00\n');
    expect(await ok('get', db, '610062', '--key-encoding', 'hex', '--value-encoding', 'base64')).toBe(
      '/wA=\n',
    );
    expect(await ok('get', db, 'cherry')).toBe('\n');
    expect(await ok('get', db, 'banana', '--value-encoding', 'json')).toBe('{"n": 1.50, "x": []}\n');
    expect(await ok('get', db, 'apple', '--json')).toBe('{"key":"apple","value":"red"}\n');
    expect(JSON.parse(await ok('get', db, 'banana', '--json', '--value-encoding', 'json'))).toEqual({
      key: 'banana',
      value: { n: 1.5, x: [] },
    });
  });

  test('of a key that is not there exits with 1 and one line', async () => {
    await store(FRUIT);
    expect(await problem('get', db, 'a\\x00c')).toBe(`arena-level: there is no key a\\x00c in ${db}\n`);
  });

  test('prints raw bytes, but not to a terminal unless it is told to', async () => {
    await store({ ...FRUIT, text: 'two\nlines' });
    expect(await ok('get', db, 'text', '--raw')).toBe('two\nlines');
    await ok('get', db, 'a\\x00b', '--raw');
    expect(cli.stdoutBytes).toEqual(Buffer.from([0xff, 0]));
    cli.stdoutIsTerminal = true;
    expect(await problem('get', db, 'a\\x00b', '--raw')).toMatch(
      /^arena-level: the value of a\\x00b is not text, and would go to the terminal.*--force\n$/,
    );
    expect(await ok('get', db, 'text', '--raw')).toBe('two\nlines');
    await ok('get', db, 'a\\x00b', '--raw', '--force');
    expect(cli.stdoutBytes).toEqual(Buffer.from([0xff, 0]));
  });

  test('says that a value is no JSON', async () => {
    await store(FRUIT);
    expect(await problem('get', db, 'apple', '--value-encoding', 'json')).toBe(
      'arena-level: the value of apple is not JSON; choose another encoding\n',
    );
  });
});

describe('put and del', () => {
  test('store and delete what they are given, and read back as it was written', async () => {
    await ok('put', db, 'k\\x00\\xff', '\\x00\\n\\\\', '--create');
    expect(await ok('get', db, 'k\\x00\\xff')).toBe('\\x00\\n\\\\\n');
    expect(await ok('get', db, '6b00ff', '--encoding', 'hex')).toBe('000a5c\n');
    await ok('put', db, '01', 'ff', '--encoding', 'hex');
    await ok('put', db, '--', '-x', '--y');
    expect(await ok('scan', db)).toBe('\\x01\t\\xff\n-x\t--y\nk\\x00\\xff\t\\x00\\n\\\\\n');
    await ok('del', db, '01', '2d78', 'aaaa', '--encoding', 'hex');
    expect(await ok('count', db)).toBe('1\n');
  });

  test('print nothing, and with --json what they did, in the notation that was asked for', async () => {
    expect(await ok('put', db, 'k', 'v', '--create')).toBe('');
    expect(await ok('put', db, '00ff', '616263', '--encoding', 'hex', '--json')).toBe(
      '{"key":"00ff","valueBytes":3,"sequence":2}\n',
    );
    expect(await ok('del', db, 'k')).toBe('');
    expect(await ok('del', db, 'k\\x00', 'none', '--json')).toBe(
      '{"keys":["k\\\\x00","none"],"sequence":5}\n',
    );
    expect(await ok('count', db)).toBe('1\n');
  });

  test('a value comes from a file or from stdin, byte by byte', async () => {
    const file = cli.file('value', 'line\n');
    await ok('put', db, 'file', '--from', file, '--create');
    cli.stdin = Readable.from([Buffer.from([0xff]), Buffer.from([0x0a])]);
    await ok('put', db, 'stdin', '--from', '-');
    expect(await ok('scan', db)).toBe('file\tline\\n\nstdin\t\\xff\\n\n');
    expect(await problem('put', db, 'k', '--from', cli.path('none'))).toContain('there is no such file');
  });

  test('an interrupt while it waits for input ends it, with nothing stored', async () => {
    cli.stdin = new Readable({ read: () => void setImmediate(() => cli.interrupt.abort()) });
    expect(await cli.run('put', db, 'k', '--from', '-', '--create')).toBe(ExitCode.Interrupted);
    expect([cli.stdout, cli.stderr, existsSync(db)]).toEqual(['', '', false]);
  });

  test('make no store unless they are asked to, and none for a value that cannot be read', async () => {
    expect(await problem('put', db, 'k', 'v')).toBe(`arena-level: there is no store in ${db}\n`);
    expect(await problem('put', db, 'k', '--from', cli.path('none'), '--create')).toContain('cannot read');
    expect(await problem('del', db, 'k')).toBe(`arena-level: there is no store in ${db}\n`);
    expect(existsSync(db)).toBe(false);
  });
});

describe('scan', () => {
  beforeEach(() => store(FRUIT));

  test('prints entries in order, one to a line, keys or values alone', async () => {
    expect(await ok('scan', db, '--keys')).toBe('a\\x00b\napple\nbanana\ncherry\n');
    expect(await ok('scan', db, '--values')).toBe('\\xff\\x00\nred\n{"n": 1.50,\\n"x": []}\n\n');
    expect(await ok('scan', db, '--keys', '--values', '--limit', '1')).toBe('a\\x00b\t\\xff\\x00\n');
    expect(await ok('scan', db, '--limit', '0')).toBe('');
  });

  test.each([
    [['--gte', 'apple'], 'apple banana cherry'],
    [['--gt', 'apple'], 'banana cherry'],
    [['--lte', 'apple'], 'a\\x00b apple'],
    [['--lt', 'apple'], 'a\\x00b'],
    [['--prefix', 'a'], 'a\\x00b apple'],
    [['--prefix', '6100', '--key-encoding', 'hex'], '610062'],
    [['--reverse', '--limit', '2'], 'cherry banana'],
    [['--prefix', 'a', '--reverse', '--limit', '1'], 'apple'],
    [['--gt', 'b', '--lt', 'a'], ''],
  ])('of the range %j', async (range, keys) => {
    const printed = await ok('scan', db, '--keys', ...range);
    expect(printed.trimEnd().split('\n').join(' ')).toBe(keys);
  });

  test('prints ndjson', async () => {
    const lines = (await ok('scan', db, '--json', '--prefix', 'a')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { key: 'a\\x00b', value: '\\xff\\x00' },
      { key: 'apple', value: 'red' },
    ]);
    expect(await ok('scan', db, '--json', '--keys', '--prefix', 'ap')).toBe('{"key":"apple"}\n');
  });

  test('names the key whose value is no JSON, behind those that are', async () => {
    expect(await cli.run('scan', db, '--gte', 'banana', '--value-encoding', 'json')).toBe(ExitCode.Problem);
    expect(cli.stdout).toBe('banana\t{"n": 1.50, "x": []}\n');
    expect(cli.stderr).toBe('arena-level: the value of cherry is not JSON; choose another encoding\n');
  });

  test('ends when it is interrupted', async () => {
    cli.interrupt.abort();
    expect(await cli.run('scan', db)).toBe(ExitCode.Interrupted);
    expect(await cli.run('count', db)).toBe(ExitCode.Interrupted);
    expect(cli.stdout).toBe('');
  });
});

describe('count', () => {
  test('counts the keys of a range', async () => {
    await store(FRUIT);
    expect(await ok('count', db)).toBe('4\n');
    expect(await ok('count', db, '--prefix', 'a')).toBe('2\n');
    expect(await ok('count', db, '--gt', '610062', '--encoding', 'hex', '--json')).toBe('{"count":3}\n');
  });

  test('shows on a terminal how far it is, by the bytes that lie behind', async () => {
    const opened = await open(db, { flush: 'inline' });
    for (let i = 0; i < 20_000; i++)
      await opened.put(bytes(String(i).padStart(6, '0')), bytes('x'.repeat(50)));
    await opened.flush();
    await opened.close();
    const clock = new ManualClock();
    clock.msPerLook = 200;
    expect(await cli.runOnTerminal(clock, 'count', db)).toBe(ExitCode.Ok);
    expect(cli.stdout).toBe('20000\n');
    const shares = [...cli.stderr.matchAll(/(\d+) % .* ([\d,]+) entries/g)].map(([, share]) => Number(share));
    expect(shares.length).toBeGreaterThanOrEqual(3);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBeGreaterThan(90);
    expect(shares[0]).toBeLessThan(50);
    expect(cli.stderr.endsWith('\r\u001b[K')).toBe(true);
  });
});
