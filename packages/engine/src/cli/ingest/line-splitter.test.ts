import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { type Line, LineSplitter } from './line-splitter.ts';
import { SEED } from './reading.test-support.ts';

function split(source: string, pieceBytes: number, maxLineBytes = 100, prng: Prng = new Prng(1)): string[] {
  const splitter = new LineSplitter(maxLineBytes);
  const bytes = Buffer.from(source);
  const lines: Line[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + prng.below(pieceBytes));
    lines.push(...splitter.push(bytes.subarray(at, end)));
    at = end;
  }
  const last = splitter.end();
  if (last !== undefined) lines.push(last);
  return lines.map((line) => `${line.number}:${line.bytes?.toString() ?? '(too long)'}`);
}

describe('a line splitter', () => {
  test('numbers lines from 1, takes LF and CRLF, and a last line without end', () => {
    expect(split('a\r\nb\n\n\r\nc', 1000)).toEqual(['1:a', '2:b', '3:', '4:', '5:c']);
  });

  test('gives nothing for an empty source, and no line behind a final line end', () => {
    expect(split('', 10)).toEqual([]);
    expect(split('a\n', 10)).toEqual(['1:a']);
  });

  test('keeps a CR that does not end a line', () => {
    expect(split('a\rb\n', 10)).toEqual(['1:a\rb']);
  });

  test('drops a line over the limit, whole, and goes on behind it', () => {
    for (const pieceBytes of [1, 3, 1000]) {
      expect(split(`12345\n123456\r\n${'x'.repeat(50)}\n12345\r\nz`, pieceBytes, 5)).toEqual([
        '1:12345',
        '2:(too long)',
        '3:(too long)',
        '4:12345',
        '5:z',
      ]);
    }
  });

  test(`gives the same lines however the source is cut (SEED=${SEED})`, () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 300; round++) {
      const source = Array.from({ length: prng.below(60) }, () => 'ab\n\r\n'[prng.below(5)]).join('');
      const maxLineBytes = 1 + prng.below(8);
      const whole = split(source, 1 << 20, maxLineBytes);
      const expected = source.split('\n').map((line, at, all) => {
        const text = line.endsWith('\r') ? line.slice(0, -1) : line;
        return at === all.length - 1 && line === ''
          ? undefined
          : `${at + 1}:${text.length > maxLineBytes ? '(too long)' : text}`;
      });
      expect(whole, `round ${round}: ${JSON.stringify(source)}`).toEqual(
        expected.filter((line) => line !== undefined),
      );
      expect(split(source, 4, maxLineBytes, prng), `round ${round}: ${JSON.stringify(source)}`).toEqual(
        whole,
      );
    }
  });

  test('holds no more than one line of the limit, however long the line', () => {
    const splitter = new LineSplitter(10);
    const piece = Buffer.alloc(1024, 'x');
    for (let round = 0; round < 1000; round++) expect(splitter.push(piece)).toEqual([]);
    expect(splitter.heldBytes).toBe(0);
    expect(splitter.push(Buffer.from('\nok\n')).map((line) => line.bytes?.toString())).toEqual([
      undefined,
      'ok',
    ]);
  });
});
