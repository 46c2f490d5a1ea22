import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleWorker } from '../../scripts/bundle-worker.mjs';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('the worker is never seen half written, however many bundle it at once', async () => {
  const outfile = join(temporaryDirectory(), 'dist', 'flush.worker.mjs');
  const lengths = new Set<number>();
  let done = false;
  const bundling = Promise.all([1, 2, 3].map(() => bundleWorker(outfile))).finally(() => {
    done = true;
  });
  while (!done) {
    if (existsSync(outfile)) lengths.add(readFileSync(outfile).length);
    await new Promise(setImmediate);
  }
  await bundling;
  lengths.add(readFileSync(outfile).length);
  expect(lengths.size, [...lengths].join()).toBe(1);
  expect(readdirSync(dirname(outfile)).sort()).toEqual(['flush.worker.mjs', 'flush.worker.mjs.map']);
  expect(readFileSync(outfile, 'utf8')).toContain('sourceMappingURL=flush.worker.mjs.map');
});
