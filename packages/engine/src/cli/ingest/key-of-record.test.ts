import { MAX_KEY_BYTES } from '@arena-level/common/base/limits';
import { describe, expect, test } from 'vitest';
import { fieldValue, joinKey, keyOfJson } from './key-of-record.ts';

function key(record: object, ...fields: string[]): string {
  const result = keyOfJson(record, fields, '/');
  return 'key' in result ? Buffer.from(result.key).toString() : `! ${result.reason}`;
}

describe('keys of JSON records', () => {
  test('are the values of the fields in the order asked for', () => {
    expect(key({ a: 'x', b: 'y' }, 'b', 'a')).toBe('y/x');
  });

  test('are UTF-8', () => {
    expect(key({ a: 'Zürich', b: '東京' }, 'a', 'b')).toBe('Zürich/東京');
  });

  test('reach into nested objects and arrays, and prefer a field whose own name has the dot', () => {
    expect(key({ address: { city: 'Bern' } }, 'address.city')).toBe('Bern');
    expect(key({ tags: ['x', 'y'] }, 'tags.1')).toBe('y');
    expect(key({ 'a.b': 'own', a: { b: 'nested' } }, 'a.b')).toBe('own');
  });

  test('take numbers and booleans as JSON writes them', () => {
    expect(key({ a: 7, b: -0.5, c: true }, 'a', 'b', 'c')).toBe('7/-0.5/true');
    expect(key({ a: Number.MAX_SAFE_INTEGER }, 'a')).toBe('9007199254740991');
  });

  test('may have empty parts, but not be empty', () => {
    expect(key({ a: '', b: 'x' }, 'a', 'b')).toBe('/x');
    expect(key({ a: '' }, 'a')).toBe('! has an empty key');
  });

  test.each([
    ['missing', {}, "lacks the key field 'a'"],
    ['null', { a: null }, "has null in the key field 'a'"],
    ['an object', { a: {} }, "has an object in the key field 'a'"],
    ['an array', { a: [1] }, "has an array in the key field 'a'"],
    [
      'an inexact integer',
      { a: 2 ** 53 },
      "has an integer too large to be read exactly in the key field 'a'",
    ],
  ])('are refused when a field is %s', (_, record, reason) => {
    expect(key(record, 'a')).toBe(`! ${reason}`);
  });

  test.each([
    ['/', ['x/y', 'z']],
    ['/', ['x', 'y/z']],
    ['/', ['x', 'y', '/']],
    // Read from the left this is x and :y.
    ['::', ['x:', 'y']],
  ])('are refused when the delimiter %j is found inside one of %j', (delimiter, parts) => {
    expect(joinKey(parts, delimiter)).toEqual({
      reason: `has the delimiter '${delimiter}' inside a key field (see --delimiter-of-key)`,
    });
  });

  test.each([
    ['/', ['x/y'], 'x/y'],
    ['|', ['x/y', 'z'], 'x/y|z'],
    ['::', ['x', ':y'], 'x:::y'],
    ['/', ['', '', ''], '//'],
    ['', ['x', 'y'], 'xy'],
  ])('joined by %j may be made of %j', (delimiter, parts, text) => {
    expect(joinKey(parts, delimiter)).toEqual({ key: Buffer.from(text) });
  });

  test('never come from what objects inherit', () => {
    expect(fieldValue({}, 'constructor')).toBeUndefined();
    expect(fieldValue({ a: 'text' }, 'a.length')).toBeUndefined();
    expect(fieldValue({ a: {} }, 'a.__proto__.x')).toBeUndefined();
  });

  test('are refused above the engine limit', () => {
    expect(joinKey(['x'.repeat(MAX_KEY_BYTES)], '/')).toHaveProperty('key');
    expect(joinKey(['x'.repeat(MAX_KEY_BYTES + 1)], '/')).toHaveProperty('reason');
  });
});
