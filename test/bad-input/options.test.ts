import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ErrorCode } from '@arena-level/common/base/errors';
import { type OpenOptions, open } from 'arena-level/engine';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Options that are whole numbers, with their least and greatest value. */
const NUMBERS = {
  writeBufferSize: [4096, 2 ** 30],
  maxFrozenMemtables: [1, 16],
  maxIdleArenas: [0, 16],
  maxPendingBytes: [64 * 1024, 2 ** 31 - 64 * 1024],
  flushWorkers: [1, 16],
  blockSize: [256, 4 * 2 ** 20],
  blockRestartInterval: [1, 1024],
  bloomBitsPerKey: [0, 64],
  cacheSize: [0, 64 * 2 ** 30],
  sharedCacheSize: [0, 2 ** 31],
  maxOpenFiles: [1, 1_000_000],
  maxManifestSize: [4096, 2 ** 30],
  maxInfoLogSize: [4096, 2 ** 30],
} as const satisfies Partial<Record<keyof OpenOptions, readonly [number, number]>>;

const FLAGS = ['createIfMissing', 'errorIfExists', 'forceLock', 'infoLog'] as const;

const CHOICES = {
  memtable: ['hash', 'skiplist'],
  flush: ['worker', 'inline'],
  reads: ['auto', 'pool', 'direct'],
  recover: ['stop', 'truncate', 'skip'],
} as const satisfies Partial<Record<keyof OpenOptions, readonly string[]>>;

/** Opens a store that must not come into being, and returns why. */
async function refusal(options: unknown): Promise<{ readonly code: string; readonly message: string }> {
  const location = join(temporaryDirectory(), 'store');
  try {
    const store = await open(location, options as OpenOptions);
    await store.close();
  } catch (error) {
    expect(existsSync(location)).toBe(false);
    return error as { code: string; message: string };
  }
  throw new Error(`${JSON.stringify(options)} is accepted`);
}

describe.each(Object.entries(NUMBERS))('option %s', (name, [least, most]) => {
  test.each([
    ['below its range', least - 1],
    ['above its range', most + 1],
    ['negative', -1],
    ['NaN', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
    ['a fraction', least + 0.5],
    ['a string', String(least)],
    ['a big integer', BigInt(least)],
    ['an object', {}],
    ['an array', [least]],
    ['true', true],
  ])('is refused, by its name and range, when it is %s', async (_what, value) => {
    const { code, message } = await refusal({ [name]: value });
    expect(code).toBe(ErrorCode.InvalidOption);
    expect(message).toContain(`'${name}'`);
    expect(message).toContain(String(least));
    expect(message).toContain(String(most));
  });
});

describe.each(FLAGS)('option %s', (name) => {
  test.each([
    ['a string', 'true'],
    ['a number', 1],
    ['an object', {}],
    ['NaN', Number.NaN],
  ])('is refused, by its name, when it is %s', async (_what, value) => {
    const { code, message } = await refusal({ [name]: value });
    expect(code).toBe(ErrorCode.InvalidOption);
    expect(message).toContain(`'${name}'`);
  });
});

describe.each(Object.entries(CHOICES))('option %s', (name, values) => {
  test.each([
    ['unknown', 'fast'],
    ['empty', ''],
    ['a number', 1],
    ['an object', {}],
    ['in other letters', values[0].toUpperCase()],
  ])('is refused, by its name and values, when it is %s', async (_what, value) => {
    const { code, message } = await refusal({ [name]: value });
    expect(code).toBe(ErrorCode.InvalidOption);
    expect(message).toContain(`'${name}'`);
    for (const legal of values) expect(message).toContain(`'${legal}'`);
  });
});

test.each([
  [{ cacheSize: 1000, sharedCacheSize: 1001 }, '1000', '1001'],
  [{ cacheSize: 0, sharedCacheSize: 1 }, '0', '1'],
  [{ sharedCacheSize: 2 ** 31 }, String(2 ** 26), String(2 ** 31)],
])('more of the cache is shared than there is: %o is refused', async (options, most, given) => {
  const { code, message } = await refusal(options);
  expect(code).toBe(ErrorCode.InvalidOption);
  for (const part of ["'sharedCacheSize'", "'cacheSize'", most, given]) expect(message).toContain(part);
});

describe('option compression', () => {
  test.each([
    ['unknown', 'zstd'],
    ['a number', 7],
    ['an empty list', []],
    ['a list with something unknown', ['none', 'lz4']],
    ['a list of more levels than there are', new Array(8).fill('none')],
  ])('is refused when it is %s', async (_what, value) => {
    const { code, message } = await refusal({ compression: value });
    expect(code).toBe(ErrorCode.InvalidOption);
    expect(message).toContain("'compression'");
  });
});

describe('option workerUrl', () => {
  test.each([
    ['a number', 7],
    ['empty', ''],
    ['an object', {}],
  ])('is refused when it is %s', async (_what, value) => {
    const { code, message } = await refusal({ workerUrl: value });
    expect(code).toBe(ErrorCode.InvalidOption);
    expect(message).toContain("'workerUrl'");
  });
});

describe('options', () => {
  test.each([
    ['writebuffersize', 'writeBufferSize'],
    ['compress', 'compression'],
    ['cacheSizeBytes', 'cacheSize'],
  ])('that are unknown are refused with the one that may be meant: %s', async (given, meant) => {
    const { code, message } = await refusal({ [given]: 1 });
    expect(code).toBe(ErrorCode.InvalidOption);
    expect(message).toContain(`'${given}'`);
    expect(message).toContain(`did you mean '${meant}'?`);
  });

  test('that are unknown and like no other are refused without a guess', async () => {
    const { code, message } = await refusal({ quux: 1 });
    expect(code).toBe(ErrorCode.InvalidOption);
    expect(message).toBe("unknown option 'quux'");
  });

  test.each([
    ['null', null],
    ['an array', []],
    ['a number', 5],
    ['a string', 'fast'],
  ])('are refused as a whole when they are %s', async (_what, options) => {
    expect((await refusal(options)).code).toBe(ErrorCode.InvalidOption);
  });

  test('at the ends of their ranges are taken', async () => {
    const location = join(temporaryDirectory(), 'store');
    for (const end of [0, 1] as const) {
      const options = Object.fromEntries(
        Object.entries(NUMBERS)
          .filter(([name]) => name !== 'writeBufferSize' || end === 0)
          .map(([name, range]) => [name, range[end]]),
      );
      const store = await open(location, { ...options, flush: 'inline' });
      await store.put(new Uint8Array([end]), new Uint8Array([end]));
      await store.close();
    }
  });

  test('that are undefined or null have their defaults', async () => {
    const names = [...Object.keys(NUMBERS), ...FLAGS, ...Object.keys(CHOICES), 'compression', 'workerUrl'];
    for (const value of [undefined, null]) {
      const options = Object.fromEntries(names.map((name) => [name, value]));
      const store = await open(join(temporaryDirectory(), 'store'), options as OpenOptions);
      await store.close();
    }
  });
});
