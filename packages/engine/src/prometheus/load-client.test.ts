import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { loadClient } from './load-client.ts';

const find = createRequire(import.meta.url);

test('prom-client is loaded where it is installed', () => {
  expect(loadClient().Registry).toBeTypeOf('function');
});

test('a prom-client that is not installed is a typed error that says what to do', () => {
  expect(() => loadClient((name) => find(`${name}-of-nobody`))).toThrow(
    expect.objectContaining({
      code: 'LEVEL_NOT_SUPPORTED',
      message: expect.stringContaining('npm install prom-client'),
      cause: expect.objectContaining({ code: 'MODULE_NOT_FOUND' }),
    }),
  );
});
