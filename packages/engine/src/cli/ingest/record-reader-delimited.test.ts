import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { readAll, SEED } from './reading.test-support.ts';
import { CSV, delimitedReader, TSV } from './record-reader-delimited.ts';

const csv = delimitedReader(CSV);
const tsv = delimitedReader(TSV);

describe('the csv reader', () => {
  test('makes a JSON object of strings in the order of the columns', async () => {
    expect(await readAll(csv, 'name,id,2020\nx,7,\n')).toEqual(['2: 7 = {"name":"x","id":"7","2020":""}']);
  });

  test('takes quotes, with delimiters, doubled quotes and line ends inside, and CRLF', async () => {
    const source = 'id,text\r\n1,"a, ""b""\nc"\r\n2,plain\r\n';
    expect(await readAll(csv, source)).toEqual([
      '2: 1 = {"id":"1","text":"a, \\"b\\"\\nc"}',
      '4: 2 = {"id":"2","text":"plain"}',
    ]);
  });

  test('drops a byte order mark, also before a quote', async () => {
    for (const pieceBytes of [1, 2, 100]) {
      expect(await readAll(csv, '\ufeff"id"\n1\n', {}, pieceBytes)).toEqual(['2: 1 = {"id":"1"}']);
    }
  });

  test('keeps column names that objects treat specially', async () => {
    expect(await readAll(csv, '__proto__,id\nx,1\n')).toEqual(['2: 1 = {"__proto__":"x","id":"1"}']);
  });

  test('joins key columns in the order asked for, with the delimiter asked for', async () => {
    const items = await readAll(csv, 'a,b,c\n1,2,3\n', { keyFields: ['c', 'a'], keyDelimiter: '::' });
    expect(items).toEqual(['2: 3::1 = {"a":"1","b":"2","c":"3"}']);
  });

  test('names records that do not fit, and goes on', async () => {
    expect(await readAll(csv, 'id,b\n1\n2,x\n3,x,y\n,x\n4,a"b\n5,x\n')).toEqual([
      '2: has more or fewer fields than the header',
      '3: 2 = {"id":"2","b":"x"}',
      '4: has more or fewer fields than the header',
      '5: has an empty key',
      '6: has a quote inside an unquoted field',
      '7: 5 = {"id":"5","b":"x"}',
    ]);
  });

  test('names each record that does not fit once, with its first line', async () => {
    const source = 'id,b\n\n1,"x\ny"\n"\n\n2"\n3,a"b"c\n\n,"p\nq"\n4,x\n';
    expect(await readAll(csv, source)).toEqual([
      '3: 1 = {"id":"1","b":"x\\ny"}',
      '5: has more or fewer fields than the header',
      '8: has a quote inside an unquoted field',
      '10: has an empty key',
      '12: 4 = {"id":"4","b":"x"}',
    ]);
  });

  test('ends at a quote that is never closed, and names the line that opens it', async () => {
    for (const [lineEnd, pieceBytes] of [
      ['\n', 100],
      ['\r\n', 100],
      ['\r\n', 1],
    ] as const) {
      const lines = ['id,b', '1,"x', 'y"', '', '2,"y', '3,z', '4,z', ''];
      expect(await readAll(csv, lines.join(lineEnd), {}, pieceBytes)).toEqual([
        `2: 1 = ${JSON.stringify({ id: '1', b: `x${lineEnd}y` })}`,
        '5!: begins a record with a quote that is never closed',
      ]);
    }
  });

  test('ends at text behind a closing quote: the parser takes what follows into the field', async () => {
    expect(await readAll(csv, 'id,b\n1,x\n2,"y"z\n3,x\n4,"x"\n')).toEqual([
      '2: 1 = {"id":"1","b":"x"}',
      '3!: has text behind a closing quote',
    ]);
  });

  test('refuses fields that are not UTF-8 and gives others as they are', async () => {
    const source = Buffer.concat([
      Buffer.from('id,b\n1,'),
      Buffer.from([0xc3]),
      Buffer.from('\n2,é東\ufffd\n'),
    ]);
    expect(await readAll(csv, source)).toEqual([
      '2: is not valid UTF-8',
      '3: 2 = {"id":"2","b":"é東\ufffd"}',
    ]);
  });

  test('ends at a record over the limit, since what follows may be inside a quote', async () => {
    const items = await readAll(
      csv,
      `id,b\n1,x\n2,"${'y'.repeat(100)}\n3,z\n4,z\n`,
      { maxRecordBytes: 20 },
      16,
    );
    expect(items).toEqual([
      '2: 1 = {"id":"1","b":"x"}',
      '3!: begins a record longer than 20 bytes (an open quote?)',
    ]);
  });

  test('refuses a key column that is not there and names those that are', async () => {
    await expect(readAll(csv, 'a,b\n1,2\n')).rejects.toThrow(
      new UsageError("there is no column 'id' for --key; the columns are: a, b"),
    );
  });

  test.each([
    ['no header', '', 'the input has no header line'],
    ['a column twice', 'id,a,a\n1,2,3\n', "the header line names the column 'a' twice"],
    ['a broken header', 'id,a"b\n1,2\n', 'the header line has a quote inside an unquoted field'],
  ])('refuses a source with %s', async (_, source, message) => {
    await expect(readAll(csv, source)).rejects.toThrow(message);
  });

  test(`gives the same items however the source is cut (SEED=${SEED})`, async () => {
    const prng = new Prng(SEED);
    const records = ['1,x', '2,"a,b"', '3', '4,"line\nbreak"', '', '5,é東', '6,"q""q"', ',x'];
    for (let round = 0; round < 50; round++) {
      const source = `id,b\n${Array.from({ length: 20 }, () => records[prng.below(records.length)]).join('\n')}`;
      const whole = await readAll(csv, source);
      expect(await readAll(csv, source, {}, 1 + prng.below(12), prng), `round ${round}`).toEqual(whole);
    }
  });
});

describe('the tsv reader', () => {
  test('cuts at tabs only', async () => {
    expect(await readAll(tsv, 'id\ttext\n1\ta,b\n')).toEqual(['2: 1 = {"id":"1","text":"a,b"}']);
  });

  test('takes quotes for what they are', async () => {
    expect(await readAll(tsv, 'id\ttext\n1\t"a\n2\tb "c" d\n3\t"e"\n')).toEqual([
      '2: 1 = {"id":"1","text":"\\"a"}',
      '3: 2 = {"id":"2","text":"b \\"c\\" d"}',
      '4: 3 = {"id":"3","text":"\\"e\\""}',
    ]);
  });
});
