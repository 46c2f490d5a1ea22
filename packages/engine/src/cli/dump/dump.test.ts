import { cpSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { open } from '../../db/open-store.ts';
import { CliHarness } from '../cli-harness.test-support.ts';
import { ExitCode } from '../command.ts';

let cli: CliHarness;
let db: string;
beforeEach(async () => {
  cli = new CliHarness();
  db = cli.path('db');
  const store = await open(db, { flush: 'inline', blockSize: 512, autoCompaction: false });
  for (let i = 0; i < 60; i++)
    await store.put(bytes(`key ${String(i).padStart(2, '0')}`), bytes('v'.repeat(100)));
  await store.del(bytes('key 07'));
  await store.flush();
  await store.put(bytes('a\0'), bytes('\xff'));
  await store.batch([
    { type: 'del', key: bytes('b') },
    { type: 'put', key: bytes('c'), value: bytes('w'.repeat(100)) },
  ]);
  await store.close();
});
afterEach(() => cli.remove());

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

function file(pattern: RegExp): string {
  return join(db, readdirSync(db).find((name) => pattern.test(name))!);
}

async function ok(...args: string[]): Promise<string[]> {
  expect([await cli.run('dump', ...args), cli.stderr]).toEqual([ExitCode.Ok, '']);
  return cli.stdout.trimEnd().split('\n');
}

async function damaged(...args: string[]): Promise<string[]> {
  expect(await cli.run('dump', ...args)).toBe(ExitCode.Problem);
  expect(cli.stderr).toMatch(/^arena-level: [^\n]*\n$/);
  return cli.stdout.trimEnd().split('\n');
}

const objects = (lines: readonly string[]): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line));
const ofKind = (lines: readonly string[], kind: string): Record<string, unknown>[] =>
  objects(lines).filter((object) => object['kind'] === kind);

function flip(path: string, at: number): void {
  const contents = readFileSync(path);
  contents[at]! ^= 0x40;
  writeFileSync(path, contents);
}

describe('dump table', () => {
  test('prints its parts, its blocks and what they come to', async () => {
    const lines = await ok('table', file(/\.ldb$/));
    const text = lines.join('\n');
    expect(lines[0]).toMatch(/^Table \d+\.ldb, [\d,]+ bytes$/);
    for (const part of ['footer ', 'index ', 'metaindex', 'filter ', 'merkle '])
      expect(text).toContain(`  ${part}`);
    expect(text).toMatch(/leaves, root [0-9a-f]{64}$/m);
    expect(text).toMatch(/^ {9}0 {2}block 0, \d+ bytes, \d entries from key 00, leaf [0-9a-f]{16}…$/m);
    expect(lines.at(-1)).toMatch(
      /^\d+ data blocks of .* \(.* stored\), 59 puts, 1 deletion, sequence numbers 1 to 61$/,
    );
    expect(text).not.toContain('put  key');
  });

  test('prints its entries when they are asked for, long values short unless told otherwise', async () => {
    const lines = await ok('table', file(/\.ldb$/), '--entries');
    expect(lines).toContain(`            put  key 00@1  ${'v'.repeat(60)}… (100 bytes)`);
    expect(lines).toContain('            del  key 07@61');
    expect(await ok('table', file(/\.ldb$/), '--entries', '--full')).toContain(
      `            put  key 00@1  ${'v'.repeat(100)}`,
    );
  });

  test('prints ndjson that adds up', async () => {
    const lines = await ok('table', file(/\.ldb$/), '--entries', '--json');
    const blocks = ofKind(lines, 'block');
    const entries = blocks.reduce((sum, { entries: count }) => sum + (count as number), 0);
    expect(entries).toBe(60);
    expect(ofKind(lines, 'put')).toHaveLength(59);
    expect(ofKind(lines, 'put')[0]).toEqual({
      kind: 'put',
      sequence: 1,
      key: 'key 00',
      value: 'v'.repeat(100),
    });
    expect(ofKind(lines, 'del')).toEqual([{ kind: 'del', sequence: 61, key: 'key 07' }]);
    expect(ofKind(lines, 'summary')[0]).toMatchObject({
      blocks: blocks.length,
      entries: 60,
      sequences: [1, 61],
    });
    expect(ofKind(lines, 'footer')[0]).toMatchObject({ bytes: 48 });
  });

  test('prints all blocks but a damaged one, and names that with its offset', async () => {
    const table = file(/\.ldb$/);
    const before = ofKind(await ok('table', table, '--json'), 'block');
    const { offset } = before[1] as { offset: number };
    flip(table, offset + 10);
    const lines = await damaged('table', table, '--json');
    expect(cli.stderr).toMatch(
      new RegExp(`^arena-level: \\d+\\.ldb at offset ${offset}: block checksum mismatch\n$`),
    );
    expect(ofKind(lines, 'damage')).toHaveLength(1);
    expect(ofKind(lines, 'block')).toEqual(before.filter((_, index) => index !== 1));
  });

  test('finds the data blocks of a table without its end', async () => {
    const table = file(/\.ldb$/);
    const before = ofKind(await ok('table', table, '--json'), 'block');
    truncateSync(table, readFileSync(table).length - 20);
    const lines = await damaged('table', table, '--json');
    expect(cli.stderr).toContain('not a table: the last bytes are not the magic number');
    expect(ofKind(lines, 'block').map(({ firstKey }) => firstKey)).toEqual(
      before.map(({ firstKey }) => firstKey),
    );
    expect(ofKind(lines, 'summary')[0]).toMatchObject({ entries: 60 });
  });

  test('prints what an empty or a foreign file is', async () => {
    writeFileSync(join(db, '000777.ldb'), '');
    writeFileSync(join(db, '000778.ldb'), 'x'.repeat(1000));
    await damaged('table', join(db, '000777.ldb'));
    await damaged('table', join(db, '000778.ldb'));
    expect(cli.stdout).toMatch(/\n0 data blocks of 0 B \(0 B stored\), 0 puts, 0 deletions\n$/);
  });
});

describe('dump journal', () => {
  test('prints its records and the writes in them', async () => {
    expect(await ok('journal', file(/\.log$/))).toEqual([
      expect.stringMatching(/^Journal \d+\.log, \d+ bytes$/),
      '         0  opening record: the next write has number 62',
      '        19  sequence 62, 1 write',
      '            put  a\\x00  \\xff',
      expect.stringMatching(/^ +\d+ {2}sequence 63, 2 writes$/),
      '            del  b',
      `            put  c  ${'w'.repeat(60)}… (100 bytes)`,
      '3 records, 3 writes',
    ]);
    const lines = await ok('journal', file(/\.log$/), '--json', '--encoding', 'hex');
    expect(objects(lines).slice(2, 4)).toEqual([
      { kind: 'record', offset: 19, sequence: 62, writes: 1 },
      { kind: 'put', sequence: 62, key: '6100', value: 'ff' },
    ]);
    expect(ofKind(lines, 'del')).toEqual([{ kind: 'del', sequence: 63, key: '62' }]);
  });

  test('says where it is torn, which is no damage', async () => {
    const journal = file(/\.log$/);
    truncateSync(journal, readFileSync(journal).length - 1);
    const lines = await ok('journal', journal);
    expect(lines.at(-2)).toMatch(/^ +\d+ {2}torn: chunk length leads beyond its block$/);
    expect(lines.at(-1)).toBe('2 records, 1 write');
  });

  test('names damage, and goes on behind it where it can', async () => {
    const journal = file(/\.log$/);
    flip(journal, 30);
    const lines = await damaged('journal', journal);
    expect(lines.join('\n')).toMatch(
      /^damage: \d+\.log at offset 19: chunk checksum does not match; \d+ bytes are left out$/m,
    );
    expect(cli.stderr).toContain('at offset 19: chunk checksum does not match');
  });

  test('reads what was set aside', async () => {
    mkdirSync(join(db, 'lost'));
    const lost = join(db, 'lost', '000001.log');
    cpSync(file(/\.log$/), lost);
    expect((await ok('journal', lost)).at(-1)).toBe('3 records, 3 writes');
  });
});

describe('dump manifest', () => {
  test('prints its edits, and the tables that they leave', async () => {
    const lines = await ok('manifest', file(/^MANIFEST/));
    const text = lines.join('\n');
    expect(lines[0]).toMatch(/^Manifest MANIFEST-\d+, \d+ bytes$/);
    expect(lines[1]).toMatch(/^ {9}0 {2}comparator leveldb\.BytewiseComparator, journal \d+, next file \d+/);
    expect(text).toMatch(/^ {12}\+ \d+\.ldb to level 0, [\d.]+ kB, key 00@1 to key 59@60$/m);
    expect(text).toMatch(/\n2 edits; in the end 1 table\n {2}level 0 {2}1 table {2}[\d.]+ kB$/);
    const json = await ok('manifest', file(/^MANIFEST/), '--json');
    expect(ofKind(json, 'table-added')).toEqual([
      {
        kind: 'table-added',
        level: 0,
        file: expect.any(String),
        bytes: expect.any(Number),
        smallest: 'key 00',
        largest: 'key 59',
      },
    ]);
    expect(ofKind(json, 'summary')).toMatchObject([{ edits: 2, levels: [{ level: 0, tables: 1 }] }]);
  });

  test('prints removed tables and compaction pointers', async () => {
    const store = await open(db, { flush: 'inline', autoCompaction: false });
    await store.compactRange();
    const text = (await ok('manifest', file(/^MANIFEST/))).join('\n');
    expect(text).toMatch(/^ {12}- \d+\.ldb of level 0$/m);
    expect(text).toMatch(/^ {12}level 0 is compacted up to key 59@60$/m);
    await store.close();
  });

  test('names damage', async () => {
    const manifest = file(/^MANIFEST/);
    flip(manifest, 20);
    const lines = await damaged('manifest', manifest);
    expect(lines.join('\n')).toMatch(/^damage: MANIFEST-\d+ at offset 0: chunk checksum/m);
    expect(lines.at(-1)).toBe('0 edits; in the end 0 tables');
  });
});

describe('dump refuses', () => {
  test.each([
    [['table'], ExitCode.Usage, 'no FILE given'],
    [['log', 'x'], ExitCode.Usage, "what to dump must be one of table, journal, manifest, not 'log'"],
    [['journal', 'x.log', '--entries'], ExitCode.Usage, '--entries is for tables'],
    [['table', 'nothing/000001.ldb'], ExitCode.Problem, 'there is no such file'],
    [['table', '.'], ExitCode.Problem, 'it is a directory'],
  ])('%j', async (args, code, message) => {
    expect(await cli.run('dump', ...args)).toBe(code);
    expect(cli.stderr).toContain(message);
  });

  test('a file of another kind, and one of another name', async () => {
    expect(await cli.run('dump', 'table', file(/\.log$/))).toBe(ExitCode.Problem);
    expect(cli.stderr).toMatch(/has not the name of a table, as 000012\.ldb is; it is a journal\n$/);
    expect(await cli.run('dump', 'journal', cli.file('my.log', ''))).toBe(ExitCode.Problem);
    expect(cli.stderr).toMatch(/as 000013\.log is; copy it to such a name\n$/);
  });
});
