import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { ROOT, runWell } from '../package/packed-workspace.ts';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

vi.setConfig({ testTimeout: LONG_TEST_MS });

test('the API reference is built without a warning, and has the main classes', async () => {
  const out = temporaryDirectory();
  const typedoc = join(ROOT, 'docs/node_modules/.bin/typedoc');
  // A name that is referred to and not exported, or a link that leads nowhere, is a warning, and warnings are errors.
  await runWell(typedoc, ['--out', out], join(ROOT, 'docs'));
  for (const page of [
    'classes/index.ArenaLevel.html',
    'classes/index.AttachedLevel.html',
    'classes/engine.Store.html',
    'modules/streams_streams.html',
  ]) {
    expect(existsSync(join(out, page)), page).toBe(true);
  }
});
