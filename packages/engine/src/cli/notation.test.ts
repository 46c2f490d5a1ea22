import { Prng } from '@arena-level/common/base/prng';
import { describe, expect, test } from 'vitest';
import { CommandError, UsageError } from './errors.ts';
import { bytesOf, ENCODINGS, isPlainText, jsonOf, textOf } from './notation.ts';

const SEED = Number(process.env['SEED'] ?? 20_251_126);
const of = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('keys and values as text', () => {
  test.each<[string, Uint8Array, string]>([
    ['text', utf8('Zürich 東京 🙂'), 'Zürich 東京 🙂'],
    ['nothing', of(), ''],
    ['a backslash', utf8('a\\x00'), 'a\\\\x00'],
    ['line breaks and tabs', utf8('a\nb\rc\td'), 'a\\nb\\rc\\td'],
    ['control characters', utf8('\0\u001b[31m\u007f'), '\\x00\\x1b[31m\\x7f'],
    ['C1 control characters', utf8('\u0085'), '\\xc2\\x85'],
    ['a byte order mark', utf8('\ufeffa'), '\\xef\\xbb\\xbfa'],
    ['what turns text around', utf8('a\u202eb'), 'a\\xe2\\x80\\xaeb'],
    ['a separator of lines', utf8('\u2028'), '\\xe2\\x80\\xa8'],
    ['bytes that are no text', of(0xff, 0x61, 0xc3), '\\xffa\\xc3'],
    ['a character between such bytes', of(0xff, 0xc3, 0xbc, 0x80), '\\xffü\\x80'],
    ['a surrogate, which is none', of(0xed, 0xa0, 0x80), '\\xed\\xa0\\x80'],
  ])('utf8 writes %s, and reads it back', (_, bytes, text) => {
    expect(textOf(bytes, 'utf8', '')).toBe(text);
    expect(bytesOf(text, 'utf8', '')).toEqual(bytes);
    expect(JSON.parse(jsonOf(bytes, 'utf8', ''))).toBe(text);
  });

  test('hex and base64 too', () => {
    expect(textOf(of(0, 0xab), 'hex', '')).toBe('00ab');
    expect(bytesOf('00AB', 'hex', '')).toEqual(of(0, 0xab));
    expect(textOf(of(0, 0xab), 'base64', '')).toBe('AKs=');
    expect(bytesOf('AKs', 'base64', '')).toEqual(of(0, 0xab));
  });

  test('any bytes come back, by whatever notation', () => {
    const prng = new Prng(SEED);
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: prng.below(20) }, () =>
        prng.below(3) === 0 ? prng.below(256) : 0x20 + prng.below(0x60),
      );
      for (const encoding of ENCODINGS) {
        if (encoding === 'json') continue;
        const text = textOf(bytes, encoding, '');
        expect(text, `seed ${SEED}`).toMatch(/^\P{C}*$/u);
        expect(bytesOf(text, encoding, ''), `seed ${SEED}: ${text}`).toEqual(bytes);
      }
    }
  });

  test('json is a text as it stands, in one line, numbers as long as they are', () => {
    const text = '{"a": 12345678901234567890,\n "b": "\\n"}\n';
    expect(textOf(utf8(text), 'json', '')).toBe('{"a": 12345678901234567890,  "b": "\\n"}');
    expect(jsonOf(utf8('[1,\r\n2]'), 'json', '')).toBe('[1, 2]');
    expect(bytesOf('"a"', 'json', '')).toEqual(utf8('"a"'));
  });

  test.each([
    ['utf8', 'a\\q', "KEY has '\\q', which is no escape"],
    ['utf8', 'a\\', "KEY has '\\', which is no escape"],
    ['utf8', '\\x0', "KEY has '\\x', which is no escape"],
    ['utf8', '\\N', "KEY has '\\N', which is no escape"],
    ['hex', 'abc', "KEY 'abc' is not hexadecimal"],
    ['hex', '\\x00', "KEY '\\x00' is not hexadecimal"],
    ['base64', 'a$', "KEY 'a$' is not base64"],
    ['json', '{', "KEY '{' is not JSON"],
  ] as const)('%s refuses %s', (encoding, text, message) => {
    expect(() => bytesOf(text, encoding, 'KEY')).toThrow(UsageError);
    expect(() => bytesOf(text, encoding, 'KEY')).toThrow(message);
  });

  test.each([[of(0xff)], [utf8('text')]])('json cannot write %s', (bytes) => {
    expect(() => textOf(bytes, 'json', 'the value of k')).toThrow(CommandError);
    expect(() => textOf(bytes, 'json', 'the value of k')).toThrow('the value of k is not JSON');
  });

  test('a terminal shows text with line breaks as it is, and nothing else', () => {
    expect(isPlainText(utf8('a\n\tb\\ ü'))).toBe(true);
    for (const bytes of [of(0), of(0xff), utf8('\u001b[2J')]) expect(isPlainText(bytes)).toBe(false);
  });
});
