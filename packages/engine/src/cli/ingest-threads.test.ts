import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CliHarness } from './cli-harness.test-support.ts';
import { ExitCode } from './command.ts';
import type { IngestSummary } from './ingest/summary.ts';

let cli: CliHarness;
beforeEach(() => {
  cli = new CliHarness();
});
afterEach(() => cli.remove());

/** More than the first piece that a thread gets. */
const RECORDS = 16_000;
const TEXT = 'x'.repeat(100);

/** Not in the order of the keys, with duplicates. */
const idOf = (at: number): number => (at * 7919) % (RECORDS - 1000);

const SOURCES = {
  ndjson: (record: (at: number) => string | undefined) =>
    lines((at) => record(at) ?? `{"id":${idOf(at)},"text":"${at} ${TEXT}"}`),
  csv: (record: (at: number) => string | undefined) =>
    `id,text\n${lines((at) => record(at) ?? `${idOf(at)},"${at},\n${TEXT}"`)}`,
  tsv: (record: (at: number) => string | undefined) =>
    `id\ttext\n${lines((at) => record(at) ?? `${idOf(at)}\t${at} ${TEXT}`)}`,
};

function lines(record: (at: number) => string): string {
  return Array.from({ length: RECORDS }, (_, at) => `${record(at)}\n`).join('');
}

async function ingest(file: string, threads: number, ...more: string[]) {
  const db = `db${threads}`;
  const options = ['--db', cli.path(db), '--key', 'id', '--json', '--threads', String(threads)];
  const code = await cli.run('ingest', file, ...options, ...more);
  const { stderr } = cli;
  const summary = cli.stdout === '' ? undefined : (JSON.parse(cli.stdout) as IngestSummary);
  const { records, bytes, malformed, malformedSamples } = summary ?? {};
  return {
    code,
    stderr,
    told: { records, bytes, malformed, malformedSamples },
    summary,
    stored: await cli.contents(db),
  };
}

describe.each(['ndjson', 'csv', 'tsv'] as const)('ingest --threads of %s', (format) => {
  const file = (record: (at: number) => string | undefined = () => undefined): string => {
    const path = cli.path(`in.${format}`);
    writeFileSync(path, SOURCES[format](record));
    return path;
  };

  test('stores what one thread stores, as tables into a new store and as batches into the same again', async () => {
    const alone = await ingest(file(), 0);
    const threaded = await ingest(cli.path(`in.${format}`), 2);
    expect(threaded).toMatchObject({ code: ExitCode.Ok, stderr: '', told: alone.told });
    expect(threaded.stored).toEqual(alone.stored);
    expect(threaded.stored).toHaveLength(RECORDS - 1000);
    expect(threaded.summary!.ingestedTables).toBeGreaterThan(0);
    expect(threaded.summary!.threads).toBe(2);
    const again = await ingest(cli.path(`in.${format}`), 2);
    expect(again).toMatchObject({ code: ExitCode.Ok, told: alone.told, summary: { ingestedTables: 0 } });
    expect(again.stored).toEqual(alone.stored);
  });

  test.each(['stop', 'count'])(
    'tells of malformed records as one thread does: --on-error %s',
    async (onError) => {
      const wrong = (at: number): string | undefined => (at > 12_000 && at % 500 === 0 ? 'wrong' : undefined);
      const alone = await ingest(file(wrong), 0, '--on-error', onError);
      const threaded = await ingest(cli.path(`in.${format}`), 2, '--on-error', onError);
      expect(threaded.code).toBe(alone.code);
      expect(threaded.stderr).toBe(alone.stderr);
      expect(threaded.told).toEqual(alone.told);
      expect(threaded.stored).toEqual(alone.stored);
    },
  );
});

test('the second line of the summary says who built the tables', async () => {
  const path = cli.path('in.ndjson');
  writeFileSync(
    path,
    SOURCES.ndjson(() => undefined),
  );
  expect(await cli.run('ingest', path, '--db', cli.path('db'), '--key', 'id', '--threads', '1')).toBe(
    ExitCode.Ok,
  );
  expect(cli.stdout).toMatch(
    /^Stored 16,000 records .*\n0 rotations, 0 flushed, 1 table, .*\n1 table built by 1 thread\n/,
  );
});

test('a file that cannot be told apart into records leaves no store behind', async () => {
  const path = cli.path('in.ndjson');
  writeFileSync(path, 'no json\n{"id":1}\n');
  expect(await cli.run('ingest', path, '--db', cli.path('db'), '--key', 'id', '--threads', '2')).toBe(
    ExitCode.Problem,
  );
  expect(cli.stderr).toMatch(/line 1 is not JSON.*; nothing is stored/);
});
