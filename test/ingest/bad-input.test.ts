/** What cannot be ingested: it is said what and where, and what is stored. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ErrorCode, type IngestOptions } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bytes } from '../support/text-bytes.ts';
import { contentsOf, expected, filesOf, lines, openForIngest, SMALL, source } from './ingest-store.ts';

const ODD = new URL('./parsers/odd.mjs', import.meta.url);
const odd = (ask: string, more: Partial<IngestOptions> = {}): IngestOptions => ({
  parse: ODD,
  parseOptions: { ask },
  threads: 1,
  ...more,
});

describe('an ingest is refused before anything is done', () => {
  test.each([
    [[], {}, "ingest option 'parse' is missing"],
    [[], { parse: 7 }, "ingest option 'parse' must be a URL or a path, not the number 7"],
    [[], { ...SMALL, threads: 0 }, "ingest option 'threads' must be an integer from 1 to 64"],
    [[], { ...SMALL, threads: 1.5 }, "ingest option 'threads' must be an integer from 1 to 64"],
    [[], { ...SMALL, split: 'words' }, "ingest option 'split' must be 'lines', 'pieces' or 'records'"],
    [[], { ...SMALL, thread: 2 }, "unknown ingest option 'thread'"],
    [
      [],
      { ...SMALL, parseOptions: () => {} },
      "ingest option 'parseOptions' must be something that can be cloned",
    ],
    [[], { ...SMALL, signal: 'x' }, "ingest option 'signal' must be an AbortSignal"],
    [7, SMALL, 'the source must be an iterable, a stream or { files: [...] }, not the number 7'],
    [{ files: ['a', ''] }, SMALL, "a file of the source must be a path, not the string ''"],
    [{ files: 'a' }, SMALL, "the files of the source must be an array of paths, not the string 'a'"],
    [null, SMALL, 'the source must be'],
  ])('%j with %j', async (given, options, message) => {
    const { store } = await openForIngest();
    await expect(store.ingest(given as [], options as IngestOptions)).rejects.toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringContaining(message) as string,
    });
    expect(store.stats().ingests).toMatchObject({ count: 0, failed: 0 });
    await store.close();
  });

  test('a store that is closed', async () => {
    const { store } = await openForIngest();
    await store.close();
    await expect(store.ingest([], SMALL)).rejects.toMatchObject({ code: ErrorCode.DatabaseNotOpen });
  });
});

describe('what the parse module does wrong is told', () => {
  test.each([
    ['none there', 'parsers/none.mjs', 'cannot be loaded'],
    ['no function', 'parsers/nothing.mjs', 'exports no function'],
  ])('%s', async (_, path, message) => {
    const { store } = await openForIngest();
    const parse = new URL(path, import.meta.url);
    await expect(store.ingest(['x=1\n'], { ...SMALL, parse })).rejects.toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringMatching(`${message}.*; nothing is stored$`) as string,
    });
    await store.close();
  });

  test.each([
    [
      'wrong key',
      ErrorCode.InvalidKey,
      'line 1 of the source: a key must be a Uint8Array or a string, not number',
    ],
    ['wrong value', ErrorCode.InvalidValue, 'line 1 of the source: a value must be a Uint8Array or a string'],
    ['long key', ErrorCode.TooLarge, 'line 1 of the source: a key of 1048577 bytes is over the limit'],
  ])('%s', async (ask, code, message) => {
    const { store } = await openForIngest();
    await expect(store.ingest(['x\n'], odd(ask))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
    await store.close();
  });
});

describe('a line that cannot be parsed', () => {
  const given = lines(300);
  const wrong = [...given.slice(0, 250), 'bad!', ...given.slice(250)];

  test('by the way of tables: its position, and nothing is stored', async () => {
    const { store, memory } = await openForIngest();
    await expect(store.ingest(source(wrong), SMALL)).rejects.toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: 'line 251 of the source: no value for bad; nothing is stored',
    });
    expect(contentsOf(store).size).toBe(0);
    expect(filesOf(memory, '.dbtmp')).toEqual([]);
    expect(filesOf(memory, '.ldb')).toEqual([]);
    expect(store.stats().ingests).toMatchObject({ count: 0, failed: 1 });
    expect((await store.ingest(source(given), SMALL)).path).toBe('tables');
    await store.close();
  });

  test('by the way of batches: its position, and how much is stored of what lies before', async () => {
    const { store } = await openForIngest();
    const failed = store.ingest(source(wrong), { ...SMALL, tables: false });
    const message = await failed.then(
      () => 'no error',
      (error: Error) => error.message,
    );
    const { size } = contentsOf(store);
    expect(message).toBe(`line 251 of the source: no value for bad; ${size} entries are stored`);
    expect(size).toBeGreaterThan(200);
    expect(contentsOf(store)).toEqual(expected(given.slice(0, size)));
    await store.close();
  });

  test('in the second of several files, with CRLF and without a last line end', async () => {
    const directory = temporaryDirectory();
    const files = ['a.txt', 'b.txt'].map((name) => join(directory, name));
    writeFileSync(files[0]!, given.slice(0, 100).join('\r\n'));
    writeFileSync(files[1]!, `${given.slice(100, 110).join('\n')}\nwrong?`);
    const { store } = await openForIngest();
    await expect(store.ingest({ files }, SMALL)).rejects.toMatchObject({
      message: `line 11 of '${files[1]}': an entry must be an array of key and value; nothing is stored`,
    });
    writeFileSync(files[1]!, given.slice(100).join('\n'));
    await store.ingest({ files }, SMALL);
    expect(contentsOf(store)).toEqual(expected(given));
    await expect(store.ingest({ files: [join(directory, 'c')] }, SMALL)).rejects.toMatchObject({
      code: ErrorCode.IoError,
      message: expect.stringContaining(`cannot read '${join(directory, 'c')}'`) as string,
    });
    await store.close();
  });

  test('that is too long is told by its position, too', async () => {
    const { store } = await openForIngest();
    const long = [...given.slice(0, 50), 'x'.repeat(5000)];
    await expect(store.ingest(source(long), { ...SMALL, maxLineBytes: 2000 })).rejects.toMatchObject({
      code: ErrorCode.TooLarge,
      message: 'line 51 of the source: it is longer than 2000 bytes; nothing is stored',
    });
    await store.close();
  });
});

describe.each([30, 1000, 1 << 20])(
  'a line of the length that is allowed, and one of more, in pieces of %i bytes',
  (pieceBytes) => {
    test.each(['first', 'in the middle', 'last'])('%s', async (where) => {
      const at = { first: 0, 'in the middle': 25, last: 50 }[where]!;
      for (const end of ['\n', '\r\n']) {
        const sourceOf = (length: number): string[] => {
          const before = lines(50, 50, 'a');
          const text = [...before.slice(0, at), `long=${'x'.repeat(length - 5)}`, ...before.slice(at)].join(
            end,
          );
          return [text];
        };
        const options = { ...SMALL, pieceBytes, maxLineBytes: 100 };
        const { store } = await openForIngest();
        await expect(store.ingest(sourceOf(101), { ...options, tables: false })).rejects.toMatchObject({
          code: ErrorCode.TooLarge,
          message: expect.stringMatching(
            `^line ${at + 1} of the source: it is longer than 100 bytes; `,
          ) as string,
        });
        expect(await store.ingest(sourceOf(100), options)).toMatchObject({ entries: 51 });
        await store.close();
      }
    });
  },
);

describe('pieces and records', () => {
  test('of records the parse function gets one at a time, and errors name its number', async () => {
    const { store } = await openForIngest();
    const records = Array.from({ length: 50 }, (_, at) => ({ key: `r${at}`, more: [at] }));
    const options = odd('record', { split: 'records', pieceRecords: 7, threads: 2 });
    expect(await store.ingest(records, options)).toMatchObject({ path: 'tables', entries: 50 });
    expect(contentsOf(store).get('r49')).toBe('{"key":"r49","more":[49]}');
    const wrong = [...records, { key: 'x' }, { key: 12 }];
    await expect(store.ingest(wrong, options)).rejects.toMatchObject({
      code: ErrorCode.InvalidKey,
      message: expect.stringContaining('record 51 of the source: a key must be') as string,
    });
    await expect(store.ingest([() => {}], options)).rejects.toMatchObject({
      code: ErrorCode.InvalidArgument,
    });
    await store.close();
  });

  test('pieces come as they are, and their reports in order; one of them may end the source', async () => {
    const { store } = await openForIngest();
    const reports: unknown[] = [];
    const options = odd('echo', { split: 'pieces', threads: 3 });
    const pieces = ['a', 'bb', 'ccc', 'dddd', 'eeeee', 'ffffff'].map(bytes);
    const report = await store.ingest(pieces, {
      ...options,
      onPiece: (given) => {
        reports.push(given);
        return reports.length < 4;
      },
    });
    expect(reports).toEqual([1, 2, 3, 4].map((length) => ({ length })));
    expect(report.entries).toBe(4);
    expect([...contentsOf(store).keys()]).toEqual(['a', 'bb', 'ccc', 'dddd']);
    await store.close();
  });

  test('what gives neither bytes nor text is no source of lines', async () => {
    const { store } = await openForIngest();
    await expect(store.ingest([{ key: 1 }], SMALL)).rejects.toMatchObject({
      code: ErrorCode.InvalidArgument,
      message: expect.stringContaining("for records set ingest option 'split'") as string,
    });
    await store.close();
  });
});
