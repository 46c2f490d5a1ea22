import { describe, expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { INGEST_HELP, parseIngestOptions } from './ingest-options.ts';

const LEAST = ['in.csv', '--db', 'dir', '--key', 'id'];

describe('the command line of ingest', () => {
  test('needs a source, a store and a key; the rest has defaults', () => {
    expect(parseIngestOptions(LEAST)).toEqual({
      source: 'in.csv',
      location: 'dir',
      format: 'csv',
      reader: { keyFields: ['id'], keyDelimiter: '/', maxRecordBytes: 16 << 20 },
      load: { batchRecords: 1000, sync: false, onMalformed: 'stop' },
      open: { flush: 'worker', writeBufferSize: 32 << 20, memtable: 'hash' },
      threads: 0,
      json: false,
    });
  });

  test('takes every option', () => {
    const line =
      '- --db=d --format tsv --key a --key b --delimiter-of-key : --on-error count --batch 7 --sync ' +
      '--flush inline --write-buffer 4 --memtable skiplist --max-record 2 --threads 3 --json';
    expect(parseIngestOptions(line.split(' '))).toEqual({
      source: '-',
      location: 'd',
      format: 'tsv',
      reader: { keyFields: ['a', 'b'], keyDelimiter: ':', maxRecordBytes: 2 << 20 },
      load: { batchRecords: 7, sync: true, onMalformed: 'count' },
      open: { flush: 'inline', writeBufferSize: 4 << 20, memtable: 'skiplist' },
      threads: 3,
      json: true,
    });
  });

  test('takes the format from the name of the file when it is not given', () => {
    const format = (source: string): string => parseIngestOptions([source, ...LEAST.slice(1)]).format;
    expect(['a.ndjson', 'a.jsonl', 'a.CSV', 'x/a.tsv'].map(format)).toEqual([
      'ndjson',
      'ndjson',
      'csv',
      'tsv',
    ]);
  });

  test('takes a file whose name begins with a dash behind --', () => {
    expect(parseIngestOptions(['--db', 'd', '--key', 'id', '--', '-x.csv']).source).toBe('-x.csv');
  });

  test.each([
    ['no source', LEAST.slice(1), 'no source given'],
    ['two sources', [...LEAST, 'b.csv'], "not also 'b.csv'"],
    ['no store', ['in.csv', '--key', 'id'], '--db is missing'],
    ['no key', ['in.csv', '--db', 'd'], '--key is missing'],
    ['stdin without format', ['-', '--db', 'd', '--key', 'id'], '--format is missing'],
    ['an unknown suffix', ['in.xml', '--db', 'd', '--key', 'id'], '--format is missing'],
    [
      'an unknown format',
      [...LEAST, '--format', 'xml'],
      "--format must be one of ndjson, csv, tsv, not 'xml'",
    ],
    ['an unknown option', [...LEAST, '--fast'], "unknown option '--fast'"],
    ['an option without value', ['in.csv', '--key', 'id', '--db'], "option '--db <value>' argument missing"],
    ['a batch of none', [...LEAST, '--batch', '0'], '--batch must be a whole number from 1 to 100000'],
    ['a batch of words', [...LEAST, '--batch', 'many'], "not 'many'"],
    ['too many threads', [...LEAST, '--threads', '65'], '--threads must be a whole number from 0 to 64'],
    ['a wrong flush', [...LEAST, '--flush', 'both'], '--flush must be one of worker, inline'],
    ['a wrong memtable', [...LEAST, '--memtable', 'tree'], '--memtable must be one of hash, skiplist'],
    ['a wrong policy', [...LEAST, '--on-error', 'ignore'], '--on-error must be one of stop, count'],
  ])('is refused with %s', (_, args, message) => {
    expect(() => parseIngestOptions(args)).toThrow(UsageError);
    expect(() => parseIngestOptions(args)).toThrow(message);
  });

  test('has every option in its help', () => {
    const line =
      '--db --key --format --delimiter-of-key --on-error --max-record --batch --sync --threads --flush --write-buffer --memtable --json';
    for (const option of line.split(' ')) expect(INGEST_HELP).toContain(`\n  ${option}`);
  });
});
