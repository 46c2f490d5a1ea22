import { pathToFileURL } from 'node:url';
import { ErrorCode } from '@arena-level/common/base/errors';
import { expect, test } from 'vitest';
import { workerFile } from './worker-file.ts';

test('the file that comes with the package is there, and is used by default', () => {
  expect(workerFile(undefined)).toMatch(/^file:.*\/worker-flush\/dist\/flush\.worker\.mjs$/);
});

test('one of the user is taken as a path or a URL', () => {
  const path = import.meta.filename;
  expect(workerFile(path)).toBe(path);
  expect(workerFile(pathToFileURL(path).href)).toBe(pathToFileURL(path).href);
});

test.each(['/nowhere/worker.mjs', 'file:///nowhere/worker.mjs'])(
  '%s is refused, and the way out named',
  (url) => {
    expect(() => workerFile(url)).toThrow(
      expect.objectContaining({
        code: ErrorCode.InvalidOption,
        message: expect.stringMatching(/^option 'workerUrl' names .*nowhere.*flush: 'inline'$/),
      }),
    );
  },
);
