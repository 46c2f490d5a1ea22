import { describe, expect, test } from 'vitest';
import { describeHolder, encodeHolder, type Holder, parseHolder } from './holder.ts';

const HOLDER: Holder = {
  host: 'here',
  machine: '3d1219c7c4c5404aaa1f6d2a48adfda4',
  boot: 'a883511c-c284-4e4a-8e02-7ef87e1242ed',
  pidNamespace: 'pid:[4026531836]',
  pid: 1234,
  startTime: '56789',
  nonce: '0b5c7b4e-3c46-4d39-9b7f-2f6a1c1a8b11',
  threadId: 2,
  descriptor: 21,
  holderFile: '65024:2146570',
  lockFile: undefined,
  since: '2026-01-02T03:04:05.678Z',
};

describe('a holder file', () => {
  test('is read as it was written, with and without what only some systems tell', () => {
    const bare = { ...HOLDER, boot: undefined, pidNamespace: undefined, startTime: undefined };
    for (const holder of [HOLDER, { ...HOLDER, lockFile: '65024:7' }, bare]) {
      expect(parseHolder(encodeHolder(holder))).toEqual(JSON.parse(JSON.stringify(holder)));
    }
  });

  test('is damaged when it is cut anywhere before its last brace', () => {
    const text = encodeHolder(HOLDER);
    for (let length = 0; length < text.lastIndexOf('}'); length++) {
      expect(parseHolder(text.slice(0, length)), `cut at ${length}`).toBeUndefined();
    }
  });

  test.each([
    ['pid', 0],
    ['pid', -5],
    ['pid', 1.5],
    ['pid', '1234'],
    ['threadId', null],
    ['descriptor', -1],
    ['nonce', ''],
    ['nonce', '../x'],
    ['nonce', 'A'],
    ['nonce', 'a'.repeat(65)],
    ['nonce', 7],
    ['machine', undefined],
    ['host', 5],
    ['boot', 5],
    ['lockFile', null],
    ['since', false],
  ])('is damaged with %s %j', (name, value) => {
    expect(parseHolder(JSON.stringify({ ...HOLDER, [name]: value }))).toBeUndefined();
  });

  test.each(['null', '[]', '"text"', '12', 'true'])('is damaged as %s', (text) => {
    expect(parseHolder(text)).toBeUndefined();
  });

  test('is described with process, thread, host and time', () => {
    expect(describeHolder(HOLDER, { ...HOLDER, pid: 99 })).toBe(
      'process 1234, thread 2, on here, since 2026-01-02T03:04:05.678Z',
    );
    expect(describeHolder(HOLDER, HOLDER)).toMatch(/^this process, thread 2/);
    for (const other of [{ startTime: '1' }, { pidNamespace: 'pid:[1]' }, { machine: 'other' }]) {
      expect(describeHolder(HOLDER, { ...HOLDER, ...other })).toMatch(/^process 1234/);
    }
  });
});
