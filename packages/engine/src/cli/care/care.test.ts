/** stats, compact, verify, root, checkpoint, doctor and repair, in this process. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { open } from '../../db/open-store.ts';
import { CliHarness } from '../cli-harness.test-support.ts';
import { ExitCode } from '../command.ts';
import { repairText } from './repair.ts';
import { statsText } from './stats.ts';

let cli: CliHarness;
let db: string;
beforeEach(async () => {
  cli = new CliHarness();
  db = cli.path('db');
  const store = await open(db, { flush: 'inline', autoCompaction: false });
  for (let table = 0; table < 3; table++) {
    for (let i = 0; i < 100; i++) await store.put(bytes(`key ${i}`), bytes(`value ${table}`));
    await store.flush();
  }
  for (let i = 0; i < 10; i++) await store.put(bytes(`key ${i}`), bytes('in the journal'));
  await store.close();
});
afterEach(() => cli.remove());

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const named = (pattern: RegExp): string[] => readdirSync(db).filter((name) => pattern.test(name));

async function ok(...args: string[]): Promise<string> {
  expect([await cli.run(...args), cli.stderr]).toEqual([ExitCode.Ok, '']);
  return cli.stdout;
}

function flip(name: string, at: number): void {
  const path = join(db, name);
  const contents = readFileSync(path);
  contents[at]! ^= 0x40;
  writeFileSync(path, contents);
}

describe('stats', () => {
  test('shows levels, journals, sequence number and who has it open', async () => {
    const lines = (await ok('stats', db)).split('\n');
    expect(lines[0]).toBe(db);
    expect(lines).toContain('level  tables   bytes');
    expect(lines.join('\n')).toMatch(/^ {4}0 {7}3 {2} *[\d.]+ kB$/m);
    expect(lines.join('\n')).toMatch(/^journals {2}1 \(\d+ B\), 10 writes not in tables yet$/m);
    expect(lines).toContain('sequence  310 is the last number');
    expect(lines).toContain('open      by nobody');
  });

  test('as JSON counts what is on the disk', async () => {
    const report = JSON.parse(await ok('stats', db, '--json'));
    const sizes = (pattern: RegExp): number =>
      named(pattern).reduce((sum, name) => sum + readFileSync(join(db, name)).length, 0);
    expect(report).toMatchObject({
      location: db,
      openBy: null,
      tables: 3,
      tableBytes: sizes(/\.ldb$/),
      journals: 1,
      journalBytes: sizes(/\.log$/),
      journalEntries: 10,
      lastSequence: 310,
      files: named(/./).length,
      bytes: sizes(/./),
    });
    expect(report.levels[0]).toEqual({ level: 0, tables: 3, bytes: sizes(/\.ldb$/) });
  });

  test('names who has the store open', async () => {
    const store = await open(db, { flush: 'inline' });
    expect(await ok('stats', db)).toMatch(/^open {6}by this process, thread \d+, on .*, since \d{4}-/m);
    await store.close();
    const stats = JSON.parse(await ok('stats', db, '--json'));
    expect(statsText({ ...stats, journalEntries: 1, files: 1 })).toMatch(/1 write not.*\n.*\n.* in 1 file\n/);
  });
});

describe('compact', () => {
  test('merges everything, and says what came of it', async () => {
    expect(await ok('compact', db)).toMatch(
      /^Compacted in [\d.]+ s: 4 tables \([\d.]+ kB\) → 1 table \([\d.]+ kB\)\n$/,
    );
    expect(JSON.parse(await ok('stats', db, '--json')).tables).toBe(1);
    expect(await ok('get', db, 'key 5')).toBe('in the journal\n');
    expect(await ok('get', db, 'key 50')).toBe('value 2\n');
  });

  test('merges a range alone', async () => {
    const report = JSON.parse(await ok('compact', db, '--gte', 'zzz', '--json'));
    expect(report).toMatchObject({ before: { tables: 4 }, after: { tables: 4 } });
    expect(report.after).toEqual(report.before);
  });

  test('ends when it is interrupted, and leaves a sound store', async () => {
    cli.interrupt.abort();
    expect(await cli.run('compact', db)).toBe(ExitCode.Interrupted);
    expect(cli.stderr).toMatch(/^arena-level: interrupted: the compaction was aborted; [^\n]*\n$/);
    const store = await open(db, { createIfMissing: false, flush: 'inline' });
    expect((await store.verify()).differing).toEqual([]);
    expect(await store.get(bytes('key 5'))).toEqual(Buffer.from('in the journal'));
    await store.close();
  });
});

describe('verify', () => {
  test('finds a sound store sound, and has its MasterRoot', async () => {
    const root = (await ok('root', db)).split(' ')[0]!;
    expect(await ok('verify', db)).toMatch(
      /^Sound: 3 tables, 300 entries in \d+ blocks, read in [\d.]+ s\nMasterRoot [0-9a-f]{64}\n$/,
    );
    expect(cli.stdout).toContain(`MasterRoot ${root}\n`);
    expect(JSON.parse(await ok('verify', db, '--json'))).toMatchObject({
      sound: true,
      masterRoot: root,
      tables: 3,
      entries: 300,
      differing: [],
    });
  });

  test('names tables that are damaged, with offsets, and exits with 1', async () => {
    const [table] = named(/\.ldb$/);
    flip(table!, 100);
    expect(await cli.run('verify', db)).toBe(ExitCode.Problem);
    expect(cli.stdout).toMatch(
      new RegExp(`^Not sound: 3 tables.*\n  ${table} in level 0:\n    ${table} at offset 0: `),
    );
    expect(await cli.run('verify', db, '--json')).toBe(ExitCode.Problem);
    expect(JSON.parse(cli.stdout)).toMatchObject({ sound: false, differing: [{ file: table, level: 0 }] });
  });

  test('shows on a terminal how far it is', async () => {
    const clock = new ManualClock();
    clock.msPerLook = 200;
    expect(await cli.runOnTerminal(clock, 'verify', db)).toBe(ExitCode.Ok);
    expect(cli.stderr).toMatch(/\[> {19}\] {4}0 % {2}0 of 3 tables/);
    expect(cli.stderr).toMatch(/\[={6}> {13}\] {3}33 % .*1 of 3 tables/);
    expect(cli.stderr).toMatch(/\[={20}\] {2}100 % .*3 of 3 tables/);
    expect(cli.stderr.endsWith('\r\u001b[K')).toBe(true);
  });

  test('and doctor are interrupted in one line', async () => {
    cli.interrupt.abort();
    for (const command of ['verify', 'doctor', 'checkpoint']) {
      const args = command === 'checkpoint' ? [cli.path('copy')] : [];
      expect(await cli.run(command, db, ...args)).toBe(ExitCode.Interrupted);
      expect(cli.stderr).toMatch(/^arena-level: interrupted: the \w+ was aborted[^\n]*\n$/);
    }
    expect(existsSync(cli.path('copy'))).toBe(false);
  });
});

describe('root', () => {
  test('prints the MasterRoot, what it covers, and the same as JSON', async () => {
    const [root, words] = (await ok('root', db)).split('  ');
    expect(root).toMatch(/^[0-9a-f]{64}$/);
    expect(words).toBe('3 tables, up to sequence number 300\n');
    expect(JSON.parse(await ok('root', db, '--json'))).toEqual({
      masterRoot: root,
      sequence: 300,
      tables: 3,
    });
  });
});

describe('checkpoint', () => {
  test('makes a store of the same contents', async () => {
    const copy = cli.path('copy');
    expect(await ok('checkpoint', db, copy)).toMatch(
      /^Made .*copy in [\d.]+ s: 4 tables \([\d.]+ kB\), 4 linked, 0 copied\nMasterRoot [0-9a-f]{64} at sequence 310\n$/,
    );
    expect(await ok('scan', copy)).toBe(await ok('scan', db));
    const report = JSON.parse(await ok('checkpoint', copy, cli.path('second'), '--copy', '--json'));
    expect(report).toMatchObject({ sequence: 310, tables: 4, linked: 0, copied: 4 });
    expect(report.masterRoot).toBe((await ok('root', db)).split(' ')[0]);
  });

  test('refuses a directory with something in it', async () => {
    mkdirSync(cli.path('copy'));
    writeFileSync(join(cli.path('copy'), 'x'), '');
    expect(await cli.run('checkpoint', db, cli.path('copy'))).toBe(ExitCode.Problem);
    expect(cli.stderr).toMatch(/^arena-level: .*copy is not empty; .*\(ARENA_INVALID_ARGUMENT\)\n$/);
  });
});

describe('doctor', () => {
  test('finds nothing wrong with a sound store', async () => {
    expect(await ok('doctor', db)).toMatch(
      new RegExp(
        `^${db}\n\nmanifest {2}MANIFEST-\\d+, up to sequence number 300\ntables {4}3 \\(.*\\), 300 entries read\n` +
          'journals {2}1 \\(.*\\), 10 writes\nopen {6}by nobody\n\nNothing is wrong.\n$',
      ),
    );
    expect(JSON.parse(await ok('doctor', db, '--json', '--quick'))).toMatchObject({ findings: [] });
  });

  test('says in words what is wrong and what to do, and exits with 1', async () => {
    const [table] = named(/\.ldb$/);
    rmSync(join(db, table!));
    writeFileSync(join(db, '000001.log'), '');
    writeFileSync(join(db, '000099.dbtmp'), '');
    expect(await cli.run('doctor', db)).toBe(ExitCode.Problem);
    const [, missing, behind, leftover] = cli.stdout.split(/^(?=problem|warning|notice)/m);
    expect(missing).toContain(`problem: a missing file, ${table}\n    The manifest lists this table`);
    expect(behind).toMatch(/^warning: a journal that was left behind, 000001\.log\n {4}All its writes/);
    expect(behind).toMatch(/\n {4}What to do: Nothing is read from it/);
    expect(leftover).toContain('notice: a leftover, 000099.dbtmp\n');
    for (const line of cli.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(await cli.run('doctor', db, '--json')).toBe(ExitCode.Problem);
    expect(JSON.parse(cli.stdout).findings.map(({ kind }: { kind: string }) => kind)).toEqual([
      'missing-file',
      'journal-left-behind',
      'leftover',
    ]);
  });

  test('exits with 0 when there are notices only', async () => {
    writeFileSync(join(db, '000099.dbtmp'), '');
    expect(await ok('doctor', db)).toContain('notice: a leftover');
  });

  test('does not wait longer than it is told to for a store that is open', async () => {
    const store = await open(db, { flush: 'inline' });
    writeFileSync(join(db, '000001.log'), '');
    expect(await cli.run('doctor', db, '--wait', '0')).toBe(ExitCode.Problem);
    expect(cli.stdout).toMatch(/^open {6}by this process/m);
    expect(cli.stdout).toContain("Listen to the event 'cleanup-failed'");
    await store.close();
  });
});

describe('repair', () => {
  test('makes a store open again, and says what it did', async () => {
    const before = await ok('scan', db);
    const [manifest] = named(/^MANIFEST/);
    flip(manifest!, 20);
    expect(await cli.run('scan', db)).toBe(ExitCode.Problem);
    expect(cli.stderr).toMatch(/LEVEL_CORRUPTION\); 'arena-level doctor .*db' says what to do\n$/);
    const said = await ok('repair', db);
    expect(said).toMatch(
      /^The store opens again, with \d+ entries up to sequence number 310\.\nNo manifest could be trusted/,
    );
    expect(said).toMatch(
      /^Tables: 3 tables of before \(3 kept, 0 renamed, 0 rewritten\), 0 unreadable, 0 missing\.$/m,
    );
    expect(said).toMatch(/^Journal \d+\.log: 10 writes in tables now\.$/m);
    expect(said).toMatch(new RegExp(`^Moved to lost/: .*${manifest}`, 'm'));
    expect(said).toMatch(new RegExp(`^ {2}${manifest} at offset 0: `, 'm'));
    expect(await ok('scan', db)).toBe(before);
    expect(JSON.parse(await ok('repair', db, '--json'))).toMatchObject({ levelsKept: true, damage: [] });
  });

  test('shows on a terminal how far it is', async () => {
    const clock = new ManualClock();
    clock.msPerLook = 200;
    expect(await cli.runOnTerminal(clock, 'repair', db)).toBe(ExitCode.Ok);
    expect(cli.stderr).toMatch(/ 0 % {2}0 B of .* kB read/);
    expect(cli.stderr).toMatch(/ 100 % .* read /);
    expect(cli.stderr.endsWith('\r\u001b[K')).toBe(true);
  });

  test('puts every kind of outcome in words', () => {
    const text = repairText({
      levelsKept: false,
      ageIsCertain: false,
      lastSequence: 7,
      entries: 1,
      kept: [],
      renamed: [{ from: '000001.ldb', to: '000009.ldb' }],
      rewritten: [{ from: '000002.ldb', to: '000008.ldb', entries: 1 }],
      unreadable: ['000003.ldb'],
      missing: ['000004.ldb'],
      journals: [],
      lost: [],
      damage: [
        { file: '000002.ldb', offset: 5, reason: 'bad' },
        { file: 'CURRENT', reason: 'it is missing' },
      ],
    });
    expect(text.split('\n').slice(2)).toEqual([
      'Tables contradict each other about their age: LevelDB may find an older value of some keys.',
      'Tables: 2 tables of before (0 kept, 1 renamed, 1 rewritten), 1 unreadable, 1 missing.',
      '  000001.ldb is 000009.ldb now',
      '  000002.ldb: 1 entry of it are in 000008.ldb',
      '  000003.ldb: nothing can be read of it',
      '  000004.ldb: the manifest lists it, and it is missing',
      'Damage (2):',
      '  000002.ldb at offset 5: bad',
      '  CURRENT: it is missing',
      '',
    ]);
  });
});
