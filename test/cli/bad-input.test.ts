/**
 * Every command against a directory that is missing, one that is no store, one that somebody has open, a damaged
 * store, and wrong flags: one clear line, the right exit code, no stack trace, and nothing has changed.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'arena-level/engine';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../packages/engine/src/cli/cli.ts';
import { CliHarness } from '../../packages/engine/src/cli/cli-harness.test-support.ts';
import { ExitCode } from '../../packages/engine/src/cli/command.ts';
import { Opener } from '../lock/opener.ts';
import { bytes, key } from '../support/text-bytes.ts';
import { pictureOf } from './directory-picture.ts';

let cli: CliHarness;
let db: string;
let source: string;
beforeEach(() => {
  cli = new CliHarness();
  db = cli.path('db');
  source = cli.file('in.ndjson', '{"id":"new"}\n');
});
afterEach(() => cli.remove());

interface Line {
  readonly args: (directory: string) => string[];
  /** Works beside whoever has the store open. */
  readonly reads: boolean;
}

/** One command line each that would be fine on a sound store. */
const LINES: Readonly<Record<string, Line>> = {
  ingest: {
    args: (dir) => ['ingest', source, '--db', dir, '--key', 'id', '--flush', 'inline'],
    reads: false,
  },
  get: { args: (dir) => ['get', dir, 'k000001'], reads: true },
  put: { args: (dir) => ['put', dir, 'new', 'value'], reads: false },
  del: { args: (dir) => ['del', dir, 'k000001'], reads: false },
  scan: { args: (dir) => ['scan', dir], reads: true },
  count: { args: (dir) => ['count', dir], reads: true },
  stats: { args: (dir) => ['stats', dir], reads: true },
  compact: { args: (dir) => ['compact', dir], reads: false },
  verify: { args: (dir) => ['verify', dir], reads: true },
  root: { args: (dir) => ['root', dir], reads: true },
  checkpoint: { args: (dir) => ['checkpoint', dir, cli.path('copy')], reads: false },
  doctor: { args: (dir) => ['doctor', dir, '--wait', '0'], reads: true },
  repair: { args: (dir) => ['repair', dir], reads: false },
};

const NAMES = Object.keys(LINES);
const READERS = NAMES.filter((name) => LINES[name]!.reads);
const WRITERS = NAMES.filter((name) => !LINES[name]!.reads);

test('no command is left out', () => {
  expect([...NAMES, 'dump'].sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
});

async function sampleStore(directory: string): Promise<void> {
  const store = await open(directory, { flush: 'inline' });
  for (let i = 0; i < 50; i++) await store.put(key(i), bytes('value'));
  await store.flush();
  await store.put(key(50), bytes('value'));
  await store.close();
}

/** Runs a line that has to fail in one line, and returns it. Nothing below `directory` has changed. */
async function failing(
  name: string,
  directory: string,
  code: ExitCode,
  counts: (line: string) => boolean = () => true,
): Promise<string> {
  const before = pictureOf(cli.folder).filter(counts);
  expect(await cli.run(...LINES[name]!.args(directory))).toBe(code);
  expect(pictureOf(cli.folder).filter(counts)).toEqual(before);
  expect(cli.stdout).toBe('');
  expect(cli.stderr).toMatch(/^arena-level: [^\n]+\n$/);
  expect(cli.stderr).not.toMatch(/\bat .*\.ts|node:internal/);
  return cli.stderr;
}

describe('a directory that is missing', () => {
  // An ingest creates its store.
  test.each(NAMES.filter((name) => name !== 'ingest'))('%s', async (name) => {
    expect(await failing(name, db, ExitCode.Problem)).toContain(`there is no store in ${db}`);
  });
});

describe('a directory that is no store', () => {
  test.each(NAMES.filter((name) => name !== 'ingest'))('%s', async (name) => {
    mkdirSync(db);
    writeFileSync(join(db, 'LOG'), 'of some program\n');
    writeFileSync(join(db, 'notes.txt'), 'mine');
    expect(await failing(name, db, ExitCode.Problem)).toContain(`there is no store in ${db}`);
  });

  test.each(NAMES)('%s: a file', async (name) => {
    writeFileSync(db, 'a file');
    expect(await failing(name, db, ExitCode.Problem)).toMatch(
      /db is, or leads through, a file; a store is a dir/,
    );
    expect(await failing(name, join(db, 'deeper'), ExitCode.Problem)).toContain('leads through, a file');
  });
});

describe('a store that another process has open', () => {
  let holder: Opener;
  beforeEach(async () => {
    await sampleStore(db);
    holder = await Opener.start('process', true);
    await holder.ask('open', db);
  });
  afterEach(() => holder.kill());

  test('is refused by all commands that change it, in one line that names the holder', async () => {
    for (const name of WRITERS) {
      expect(await failing(name, db, ExitCode.Problem)).toMatch(
        /is open in process \d+, thread \d+, on .*\(LEVEL_LOCKED\)\n$/,
      );
    }
  });

  test('is read by all others, which change nothing', async () => {
    const before = pictureOf(cli.folder);
    for (const name of READERS) {
      expect([name, await cli.run(...LINES[name]!.args(db)), cli.stderr]).toEqual([name, ExitCode.Ok, '']);
      expect(cli.stdout).not.toBe('');
    }
    expect(pictureOf(cli.folder)).toEqual(before);
    await cli.run('stats', db);
    expect(cli.stdout).toMatch(/^open {6}by process \d+, thread \d+/m);
  });
});

describe('a store whose manifest is damaged', () => {
  beforeEach(async () => {
    await sampleStore(db);
    const manifest = join(db, readdirSync(db).find((name) => name.startsWith('MANIFEST'))!);
    const contents = readFileSync(manifest);
    contents[30]! ^= 0x10;
    writeFileSync(manifest, contents);
  });

  test.each(NAMES.filter((name) => name !== 'doctor' && name !== 'repair'))('%s', async (name) => {
    // An open for writing that fails is told of in LOG, as LevelDB does.
    const counts = (line: string): boolean => LINES[name]!.reads || !/^db\/LOG(\.old)? /.test(line);
    expect(await failing(name, db, ExitCode.Problem, counts)).toMatch(
      /^arena-level: MANIFEST-\d+ at offset 0: .*\(LEVEL_CORRUPTION\); 'arena-level doctor .*db' says what to do$/m,
    );
  });

  test('doctor says so, and changes nothing', async () => {
    const before = pictureOf(cli.folder);
    expect(await cli.run('doctor', db)).toBe(ExitCode.Problem);
    expect(cli.stderr).toBe('');
    expect(cli.stdout).toMatch(/^problem: damage, MANIFEST-\d+$/m);
    expect(pictureOf(cli.folder)).toEqual(before);
  });

  test('dump prints it, and names the offset', async () => {
    const before = pictureOf(cli.folder);
    const manifest = readdirSync(db).find((name) => name.startsWith('MANIFEST'))!;
    expect(await cli.run('dump', 'manifest', join(db, manifest))).toBe(ExitCode.Problem);
    expect(cli.stderr).toMatch(/^arena-level: MANIFEST-\d+ at offset 0: [^\n]+\n$/);
    expect(pictureOf(cli.folder)).toEqual(before);
  });
});

describe('a store with a damaged table', () => {
  beforeEach(async () => {
    await sampleStore(db);
    const table = join(db, readdirSync(db).find((name) => name.endsWith('.ldb'))!);
    const contents = readFileSync(table);
    contents[30]! ^= 0x10;
    writeFileSync(table, contents);
  });

  // What prints as it reads is to have printed nothing, so a range that begins in the damage.
  test.each(['get', 'scan', 'count'])('%s', async (name) => {
    expect(await failing(name, db, ExitCode.Problem)).toMatch(
      /^arena-level: \d+\.ldb at offset 0: .*\(LEVEL_CORRUPTION\); 'arena-level doctor .*db' says what to do$/m,
    );
  });
});

describe('wrong flags', () => {
  test.each(COMMANDS.map(({ name }) => name))('%s', async (name) => {
    await sampleStore(db);
    const before = pictureOf(cli.folder);
    const line =
      name === 'dump'
        ? ['dump', 'table', join(db, '000001.ldb')]
        : (LINES[name]!.args(db) as readonly string[]);
    const wrong: (readonly string[])[] = [
      [name],
      [...line, '--nonsense'],
      [...line, '--json=yes'],
      [...line, 'one', 'two', 'three', '--also'],
    ];
    if (name !== 'del') wrong.push([...line, 'one', 'two', 'three']);
    for (const args of wrong) {
      expect([args, await cli.run(...args)]).toEqual([args, ExitCode.Usage]);
      expect(cli.stderr).toMatch(new RegExp(`^arena-level: [^\\n]+; see 'arena-level help ${name}'\\n$`));
      expect(cli.stdout).toBe('');
    }
    expect(pictureOf(cli.folder)).toEqual(before);
  });

  test.each([
    [['scan', 'd', '--limit', 'many'], '--limit must be a whole number from 0 to'],
    [['scan', 'd', '--limit', '-1'], '--limit is followed by a dash; for an argument'],
    [['scan', 'd', '--limit=-1'], "--limit must be a whole number from 0 to 9007199254740991, not '-1'"],
    [['scan', 'd', '--encoding', 'latin1'], '--encoding must be one of utf8, hex, base64, json'],
    [['scan', 'd', '--key-encoding', 'hex', '--gte', 'xyz'], "--gte 'xyz' is not hexadecimal"],
    [['get', 'd', '\\q'], "KEY has '\\q', which is no escape"],
    [['get', 'd', 'k', '--raw', '--json'], '--json and --raw exclude each other'],
    [['put', 'd', 'k'], 'no VALUE given, and no --from'],
    [['put', 'd', 'k', 'v', '--from', 'f'], "there is an argument too many: 'v'"],
    [['put', '', 'k', 'v'], 'no DIR given'],
    [['compact', 'd', '--workers', '0'], '--workers must be a whole number from 1 to 16'],
    [['doctor', 'd', '--wait', 'long'], '--wait must be a whole number'],
    [['dump', 'manifest'], 'no FILE given'],
  ])('%j', async (args, message) => {
    expect(await cli.run(...args)).toBe(ExitCode.Usage);
    expect(cli.stderr).toContain(`arena-level: ${message}`);
    expect(cli.stderr.split('\n')).toHaveLength(2);
  });
});
