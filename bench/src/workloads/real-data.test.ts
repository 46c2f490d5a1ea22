import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cityRecords, fileRecords } from './real-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-real-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('cities are records under keys of their own', () => {
  const records = cityRecords(1000);
  expect(new Set(records.map(({ key }) => key.toString())).size).toBe(1000);
  expect(JSON.parse(records[0]!.value.toString())).toHaveProperty('name');
});

/** The readers are those of the compiled engine. */
const IS_BUILT = existsSync(
  new URL('../../../packages/engine/dist/cli/ingest/source-item.js', import.meta.url),
);

describe.skipIf(!IS_BUILT)('a file of records', () => {
  test.each([
    ['a.csv', 'country,id\nDE,1\nFR,2\n', '{"country":"DE","id":"1"}'],
    ['a.tsv', 'country\tid\nDE\t1\nFR\t2\n', '{"country":"DE","id":"1"}'],
    ['a.ndjson', '{"country":"DE","id":"1"}\n{"country":"FR","id":"2"}\n', '{"country":"DE","id":"1"}'],
  ])('%s is read as `ingest` reads it', async (name, text, value) => {
    const file = written(name, text);
    const records = await fileRecords({ file, keyFields: ['country', 'id'] }, 10);
    expect(records.map(({ key }) => key.toString())).toEqual(['DE/1', 'FR/2']);
    expect(records[0]!.value.toString()).toBe(value);
    expect((await fileRecords({ file, keyFields: ['country', 'id'] }, 1)).length).toBe(1);
  });

  test('that makes no sense is refused with the line', async () => {
    const file = written('bad.ndjson', '{"id":"1"}\n{"id"\n');
    await expect(fileRecords({ file, keyFields: ['id'] }, 10)).rejects.toThrow('bad.ndjson, line 2');
    await expect(fileRecords({ file: written('empty.csv', 'id\n'), keyFields: ['id'] }, 10)).rejects.toThrow(
      'no records',
    );
  });
});
