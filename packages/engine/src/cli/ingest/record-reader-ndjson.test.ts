import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { readAll, SEED } from './reading.test-support.ts';
import { readNdjson } from './record-reader-ndjson.ts';

describe('the ndjson reader', () => {
  test('keeps the bytes of a line as they are: order of fields, spacing, escapes', async () => {
    const line = '{ "b" : 1.50, "id":"\\u00e9",  "a": [ ] }';
    expect(await readAll(readNdjson, `${line}\n`)).toEqual([`1: é = ${line}`]);
  });

  test('skips blank lines and still counts them', async () => {
    expect(await readAll(readNdjson, '\n  \t\r\n{"id":1}\n\n{"id":2}')).toEqual([
      '3: 1 = {"id":1}',
      '5: 2 = {"id":2}',
    ]);
  });

  test('drops a byte order mark', async () => {
    for (const pieceBytes of [1, 2, 100]) {
      expect(await readAll(readNdjson, '\ufeff{"id":1}\n', {}, pieceBytes)).toEqual(['1: 1 = {"id":1}']);
    }
  });

  test('names each line that is no record, and goes on', async () => {
    const source = '{"id":1}\nnot json\n[1]\n"text"\nnull\n{"name":"x"}\n{"id":{}}\n{"id":2}\n';
    const items = await readAll(readNdjson, source);
    expect(items[1]).toMatch(/^2: is not JSON: /);
    expect(items.toSpliced(1, 1)).toEqual([
      '1: 1 = {"id":1}',
      '3: is not a JSON object',
      '4: is not a JSON object',
      '5: is not a JSON object',
      "6: lacks the key field 'id'",
      "7: has an object in the key field 'id'",
      '8: 2 = {"id":2}',
    ]);
  });

  test('refuses bytes that are not UTF-8, but not the character that stands for them', async () => {
    const bad = Buffer.concat([
      Buffer.from('{"id":"'),
      Buffer.from([0xff]),
      Buffer.from('"}\n{"id":"\ufffd"}\n'),
    ]);
    expect(await readAll(readNdjson, bad)).toEqual(['1: is not valid UTF-8', '2: \ufffd = {"id":"\ufffd"}']);
  });

  test('refuses a line over the limit, and goes on', async () => {
    const source = `{"id":1,"x":"${'x'.repeat(100)}"}\n{"id":2}\n`;
    expect(await readAll(readNdjson, source, { maxRecordBytes: 20 }, 7)).toEqual([
      '1: is longer than 20 bytes',
      '2: 2 = {"id":2}',
    ]);
  });

  test(`gives the same items however the source is cut (SEED=${SEED})`, async () => {
    const prng = new Prng(SEED);
    const lines = ['{"id":"é東","v":1}', '{"id":2}', 'broken', '', '{"id":"\\"q\\""}', '{"v":0}', '\ufffd'];
    for (let round = 0; round < 50; round++) {
      const source = Array.from({ length: 20 }, () => lines[prng.below(lines.length)]).join('\n');
      const whole = await readAll(readNdjson, source);
      expect(await readAll(readNdjson, source, {}, 1 + prng.below(12), prng), `round ${round}`).toEqual(
        whole,
      );
    }
  });
});
