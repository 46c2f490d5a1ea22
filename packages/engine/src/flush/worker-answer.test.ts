import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { describe, expect, test } from 'vitest';
import { checkFlushResponse, checkPrepareResponse, checkVerifyResponse } from './worker-answer.ts';

const table = {
  size: 1000,
  entries: 10,
  blocks: 1,
  smallest: new Uint8Array(9),
  largest: new Uint8Array(9),
  smallestSequence: 1,
  largestSequence: 10,
  root: new Uint8Array(32),
};
const timings = { sortMs: 0.5, buildMs: 1, syncMs: 2, cpuMs: 0 };
const built = { kind: 'built', table, dropped: 0, timings };
const failed = { kind: 'failed', error: { code: ErrorCode.IoError, message: 'no', errno: 'EIO' } };
const verified = {
  kind: 'verified',
  root: new Uint8Array(32),
  storedRoot: new Uint8Array(32),
  entries: 10,
  blocks: 1,
  problems: ['000001.ldb: bad'],
};

const NO_ANSWERS: readonly unknown[] = [
  undefined,
  null,
  7,
  'built',
  [],
  {},
  () => 1,
  { kind: 'cooked' },
  { kind: 7 },
  { kind: 'failed' },
  { kind: 'failed', error: { code: 'EIO', message: 'no code of ours' } },
  { kind: 'failed', error: { code: ErrorCode.IoError } },
  { kind: 'failed', error: null },
];

const isNoAnswer = (check: () => unknown): void => {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: ErrorCode.WorkerFailed });
    return;
  }
  throw new Error('taken for an answer');
};

describe('an answer to a flush', () => {
  test.each([built, failed, { kind: 'empty' }, { kind: 'cancelled' }])(
    'of kind $kind is taken as it is',
    (answer) => {
      expect(checkFlushResponse(answer)).toEqual(answer);
    },
  );

  test('has nothing in it that the protocol does not name', () => {
    expect(checkFlushResponse({ kind: 'empty', table })).toEqual({ kind: 'empty' });
  });

  const wrong: readonly unknown[] = [NaN, -1, 0.5, '1', null, undefined, 2 ** 53, new Uint8Array(31), 10n];
  test.each(Object.keys(table))(
    'is none when %s of its table is missing, of another type or out of range',
    (field) => {
      for (const value of wrong) {
        isNoAnswer(() =>
          checkFlushResponse({
            ...built,
            table: { ...table, [field]: value instanceof Uint8Array && field !== 'root' ? 'bytes' : value },
          }),
        );
      }
    },
  );

  test('is none when its bounds or its root lie in shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(32));
    for (const field of ['smallest', 'largest', 'root']) {
      isNoAnswer(() => checkFlushResponse({ ...built, table: { ...table, [field]: shared } }));
    }
  });

  test.each(Object.keys(timings))('is none when its %s is not a duration', (field) => {
    for (const value of [NaN, -1, '1', undefined]) {
      isNoAnswer(() => checkFlushResponse({ ...built, timings: { ...timings, [field]: value } }));
    }
  });

  test('is none when it is something else', () => {
    for (const answer of [...NO_ANSWERS, verified, { ...built, dropped: -1 }])
      isNoAnswer(() => checkFlushResponse(answer));
  });
});

describe('an answer to a verification', () => {
  test.each([verified, { ...verified, storedRoot: undefined, problems: [] }, failed])(
    'is taken as it is',
    (answer) => {
      expect(checkVerifyResponse(answer)).toEqual(answer);
    },
  );

  test.each([
    { root: new Uint8Array(31) },
    { storedRoot: new Uint8Array(33) },
    { storedRoot: null },
    { entries: -1 },
    { blocks: 0.5 },
    { problems: 'none' },
    { problems: [7] },
  ])('is none with %o', (change) => {
    isNoAnswer(() => checkVerifyResponse({ ...verified, ...change }));
  });

  test('is none when it is something else', () => {
    for (const answer of [...NO_ANSWERS, built]) isNoAnswer(() => checkVerifyResponse(answer));
  });
});

describe('an answer to a preparation', () => {
  test('is taken as it is, or is none', () => {
    expect(checkPrepareResponse({ kind: 'prepared' })).toEqual({ kind: 'prepared' });
    expect(checkPrepareResponse(failed)).toEqual(failed);
    for (const answer of [...NO_ANSWERS, built, verified]) isNoAnswer(() => checkPrepareResponse(answer));
  });
});
