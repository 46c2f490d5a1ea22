import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { build, ROOT } from '../package/packed-workspace.ts';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { codeBlocks, PageFolder, SHOWN } from './code-blocks.ts';

vi.setConfig({ testTimeout: LONG_TEST_MS, hookTimeout: LONG_TEST_MS });

const GUIDES = 'docs/guides';
const PAGES = [
  'README.md',
  'packages/engine/README.md',
  ...readdirSync(join(ROOT, GUIDES)).map((name) => `${GUIDES}/${name}`),
].filter((path) => path.endsWith('.md'));

beforeAll(build);

test.each(PAGES)('the code of %s runs', async (path) => {
  const blocks = codeBlocks(readFileSync(join(ROOT, path), 'utf8')).filter(
    ({ language }) => !SHOWN.has(language),
  );
  const folder = new PageFolder(temporaryDirectory());
  for (const block of blocks) expect(await folder.run(block), `${path}:${block.line}`).toBeUndefined();
});

describe('a block that fails is found', () => {
  const folder = (): PageFolder => new PageFolder(temporaryDirectory());

  test.each([
    ['js', 'import { missing } from "arena-level";'],
    ['js', 'await Promise.reject(new Error("no"));'],
    ['js', 'console.log(1); // 2'],
    ['js', 'console.log(2); // 2\nconsole.log(1); // 1\nconsole.log(3); // 1'],
    ['sh', 'arena-level eat\ntrue'],
    ['sh', 'arena-level eat | cat'],
    ['python', 'print()'],
  ])('%s: %s', async (language, code) => {
    expect(await folder().run({ line: 1, language, code })).toEqual(expect.any(String));
  });

  test('and one that prints what it says is fine', async () => {
    const code = 'console.log(1); // 1\nconsole.log("more");\nconsole.log([2]); // [ 2 ]';
    expect(await folder().run({ line: 1, language: 'js', code })).toBeUndefined();
  });

  test('blocks are found with their language and line, and one without an end is refused', () => {
    expect(codeBlocks('a\n```js\nx\ny\n```\n- b\n\n  ```\n  z\n  ```\n')).toEqual([
      { line: 2, language: 'js', code: 'x\ny' },
      { line: 8, language: '', code: 'z' },
    ]);
    expect(() => codeBlocks('```js\nx')).toThrow('line 1');
  });
});
