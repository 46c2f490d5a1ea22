import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { open } from '../db/open-store.ts';
import { CliHarness } from './cli-harness.test-support.ts';
import { ExitCode } from './command.ts';
import type { IngestSummary } from './ingest/summary.ts';

let cli: CliHarness;
beforeEach(() => {
  cli = new CliHarness();
});
afterEach(() => cli.remove());

/** Inline, so that a unit test starts no thread. */
function ingest(source: string, ...options: string[]): Promise<ExitCode> {
  return cli.run('ingest', source, '--db', cli.path('db'), '--flush', 'inline', ...options);
}

describe('arena-level ingest', () => {
  test('stores ndjson lines as they are, under keys of several fields', async () => {
    const file = cli.file('in.ndjson', '{"a":{"b":"x"},"id":2}\n{"id":1, "a":{"b":"y"}}\n');
    expect(await ingest(file, '--key', 'a.b', '--key', 'id')).toBe(ExitCode.Ok);
    expect(await cli.contents('db')).toEqual([
      'x/2 = {"a":{"b":"x"},"id":2}',
      'y/1 = {"id":1, "a":{"b":"y"}}',
    ]);
    expect(cli.stderr).toBe('');
  });

  test('stores csv and tsv records as JSON objects', async () => {
    expect(await ingest(cli.file('in.csv', 'id,name\n1,"a, b"\n'), '--key', 'id')).toBe(ExitCode.Ok);
    expect(await ingest(cli.file('in.tsv', 'id\tname\n2\tc,d\n'), '--key', 'id')).toBe(ExitCode.Ok);
    expect(await cli.contents('db')).toEqual(['1 = {"id":"1","name":"a, b"}', '2 = {"id":"2","name":"c,d"}']);
  });

  test('reads stdin, in pieces of any size', async () => {
    cli.stdin = Readable.from([Buffer.from('{"id":'), Buffer.from('1}\n{"id":2'), Buffer.from('}')]);
    expect(await ingest('-', '--format', 'ndjson', '--key', 'id')).toBe(ExitCode.Ok);
    expect(await cli.contents('db')).toEqual(['1 = {"id":1}', '2 = {"id":2}']);
  });

  test('sums up what it did, as JSON too, with the MasterRoot that the store has', async () => {
    const lines = Array.from({ length: 25 }, (_, id) => `{"id":${id}}\n`).join('');
    expect(await ingest(cli.file('in.ndjson', lines), '--key', 'id', '--batch', '10', '--json')).toBe(
      ExitCode.Ok,
    );
    const summary = JSON.parse(cli.stdout) as IngestSummary;
    expect(summary).toMatchObject({
      records: 25,
      malformed: 0,
      rotations: 1,
      flushes: 1,
      tables: 1,
      sequence: 25,
      interrupted: false,
    });
    const store = await open(cli.path('db'), { flush: 'inline' });
    expect(Buffer.from((await store.masterRoot()).root).toString('hex')).toBe(summary.masterRoot);
    await store.close();

    expect(await ingest(cli.file('more.ndjson', '{"id":"z"}\n'), '--key', 'id')).toBe(ExitCode.Ok);
    expect(cli.stdout).toMatch(
      /^Stored 1 record \(\d+ B\) in [\d.]+ s: .*\n1 rotation, 1 flushed, 2 tables, no stalls\nMasterRoot [0-9a-f]{64} at sequence 26\n$/,
    );
  });

  test('stores the empty source as nothing', async () => {
    expect(await ingest(cli.file('in.ndjson', ''), '--key', 'id')).toBe(ExitCode.Ok);
    expect(await cli.contents('db')).toEqual([]);
  });

  test('stops at a malformed line, names it, and keeps what lies before it', async () => {
    const file = cli.file('in.ndjson', '{"id":1}\n{"id":2}\n{"x":3}\n{"id":4}\n');
    expect(await ingest(file, '--key', 'id')).toBe(ExitCode.Problem);
    expect(cli.stderr).toBe(
      "arena-level: line 3 lacks the key field 'id'; the records before it are stored\n",
    );
    expect(await cli.contents('db')).toEqual(['1 = {"id":1}', '2 = {"id":2}']);
  });

  test('leaves malformed lines out when they are to be counted, and names the first', async () => {
    const file = cli.file('in.ndjson', `{"id":1}\n${'{}\n'.repeat(7)}{"id":2}\n`);
    expect(await ingest(file, '--key', 'id', '--on-error', 'count')).toBe(ExitCode.Ok);
    expect(cli.stdout).toContain("7 malformed records left out:\n  line 2 lacks the key field 'id'\n");
    expect(cli.stdout).toContain('  and 2 more\n');
    expect(await cli.contents('db')).toEqual(['1 = {"id":1}', '2 = {"id":2}']);
  });

  test('stops at a quote that is never closed also when malformed records are counted', async () => {
    const rows = Array.from({ length: 4000 }, (_, id) => `${id},${id === 1 ? '"' : ''}x\n`).join('');
    expect(await ingest(cli.file('in.csv', `id,b\n${rows}`), '--key', 'id', '--on-error', 'count')).toBe(
      ExitCode.Problem,
    );
    expect(cli.stderr).toBe(
      'arena-level: line 3 begins a record with a quote that is never closed; the records before it are stored\n',
    );
    expect(await cli.contents('db')).toEqual(['0 = {"id":"0","b":"x"}']);
  });

  test('never gives two records one key', async () => {
    const file = cli.file('in.ndjson', '{"a":"x/y","b":"z"}\n{"a":"x","b":"y/z"}\n{"a":"x","b":"y"}\n');
    const keys = ['--key', 'a', '--key', 'b'];
    expect(await ingest(file, ...keys, '--on-error', 'count')).toBe(ExitCode.Ok);
    expect(cli.stdout).toContain("2 malformed records left out:\n  line 1 has the delimiter '/' inside");
    expect(await ingest(file, ...keys, '--delimiter-of-key', '|')).toBe(ExitCode.Ok);
    expect((await cli.contents('db')).map((entry) => entry.split(' ')[0])).toEqual([
      'x/y',
      'x/y|z',
      'x|y',
      'x|y/z',
    ]);
  });

  test('makes no store when the first record is malformed and stops it', async () => {
    expect(await ingest(cli.file('in.ndjson', '\n{"x":1}\n{"id":2}\n'), '--key', 'id')).toBe(
      ExitCode.Problem,
    );
    expect(cli.stderr).toBe("arena-level: line 2 lacks the key field 'id'; nothing is stored\n");
    const open = cli.file('open.csv', 'id\n,\n"1\n2\n');
    expect(await ingest(open, '--key', 'id', '--on-error', 'count')).toBe(ExitCode.Problem);
    expect(cli.stderr).toContain(
      'line 3 begins a record with a quote that is never closed; nothing is stored',
    );
    expect(existsSync(cli.path('db'))).toBe(false);
  });

  test('makes no store when the key is no column, or the source cannot be read', async () => {
    expect(await ingest(cli.file('in.csv', 'a,b\n1,2\n'), '--key', 'id')).toBe(ExitCode.Usage);
    expect(cli.stderr).toContain("there is no column 'id' for --key; the columns are: a, b");
    expect(await ingest(cli.path('missing.csv'), '--key', 'id')).toBe(ExitCode.Problem);
    expect(cli.stderr).toMatch(/cannot read '.*missing\.csv': there is no such file\n$/);
    expect(await ingest(cli.folder, '--format', 'csv', '--key', 'id')).toBe(ExitCode.Problem);
    expect(cli.stderr).toMatch(/it is a directory\n$/);
    expect(existsSync(cli.path('db'))).toBe(false);
  });

  test('an interrupt while it waits for input ends it in good order, with what came before stored', async () => {
    let asked = 0;
    cli.stdin = new Readable({
      read() {
        if (asked++ === 0) this.push('{"id":1}\n{"id":2}\n');
        // Then nothing comes, for ever; the interrupt does once the wait has begun.
        else setImmediate(() => cli.interrupt.abort());
      },
    });
    expect(await ingest('-', '--format', 'ndjson', '--key', 'id')).toBe(ExitCode.Interrupted);
    expect(cli.stdout).toMatch(/^Interrupted: stored 2 records /);
    expect(await cli.contents('db')).toEqual(['1 = {"id":1}', '2 = {"id":2}']);
  });

  test('a source that fails midway is a problem, with what came before stored', async () => {
    let asked = 0;
    cli.stdin = new Readable({
      read() {
        if (asked++ === 0) this.push('{"id":1}\n');
        else this.destroy(new Error('the cable is out'));
      },
    });
    expect(await ingest('-', '--format', 'ndjson', '--key', 'id')).toBe(ExitCode.Problem);
    expect(cli.stderr).toBe('arena-level: the cable is out; 1 record was stored before\n');
    expect(await cli.contents('db')).toEqual(['1 = {"id":1}']);
  });

  test('a store that somebody holds is a problem in one line, with its code', async () => {
    const holder = await open(cli.path('db'), { flush: 'inline' });
    try {
      expect(await ingest(cli.file('in.ndjson', '{"id":1}\n'), '--key', 'id')).toBe(ExitCode.Problem);
      expect(cli.stderr).toMatch(
        /^arena-level: .* open with \{ forceLock: true \}, or remove arena\.holder \(LEVEL_LOCKED\)\n$/,
      );
    } finally {
      await holder.close();
    }
  });

  test('keeps every record of a source that fills several MemDBs', async () => {
    const text = 'x'.repeat(1000);
    const lines = Array.from(
      { length: 3000 },
      (_, id) => `{"id":"${String(id).padStart(5, '0')}","text":"${text}"}\n`,
    );
    expect(
      await ingest(cli.file('in.ndjson', lines.join('')), '--key', 'id', '--write-buffer', '1', '--json'),
    ).toBe(ExitCode.Ok);
    const summary = JSON.parse(cli.stdout) as IngestSummary;
    expect(summary.records).toBe(3000);
    expect(summary.rotations).toBeGreaterThanOrEqual(3);
    expect(summary.tables).toBe(summary.flushes);
    expect(await cli.contents('db')).toEqual(
      lines.map((line, id) => `${String(id).padStart(5, '0')} = ${line.trimEnd()}`),
    );
  });
});
