import { describe, expect, test } from 'vitest';
import { BANNED_CODE, BANNED_IMPORTS, bannedCode, bannedImports, leftovers } from './banned.ts';
import { textFiles, typeScriptFiles } from './source-tree.ts';

describe('the sources', () => {
  test('import files, piscina and built-ins only where they are meant to be', () => {
    expect(bannedImports(typeScriptFiles(), BANNED_IMPORTS)).toEqual([]);
  });

  test('use no banned code', () => {
    expect(bannedCode(typeScriptFiles(), BANNED_CODE)).toEqual([]);
  });

  test('hold no notes of work to be done, no machine paths and no registry hosts', () => {
    expect(leftovers(textFiles())).toEqual([]);
  });
});

describe('the import rules', () => {
  test.each([
    ['node:fs', 'packages/common/src/table/a.ts', 'the Storage seam'],
    ['node:fs/promises', 'packages/engine/src/db/a.ts', 'the Storage seam'],
    ['piscina', 'packages/engine/src/db/a.ts', 'a FlushExecutor'],
    ['path', 'packages/engine/src/cli/a.ts', 'the node: prefix'],
  ])('refuse %s in %s', (specifier, path, instead) => {
    const bad = { path, text: `\nimport { x } from '${specifier}';` };
    expect(bannedImports([bad], BANNED_IMPORTS)).toEqual([
      expect.stringContaining(`${path}:2: imports ${specifier}; use ${instead}`),
    ]);
  });

  test.each([
    ['node:fs', 'packages/common/src/storage/node-storage.ts'],
    ['node:fs', 'packages/engine/src/cli/ingest.ts'],
    ['node:fs', 'packages/common/src/table/a.test.ts'],
    ['node:fs', 'bench/src/a.ts'],
    ['piscina', 'packages/engine/src/flush/a.ts'],
    ['node:path', 'packages/engine/src/cli/a.ts'],
  ])('accept %s in %s', (specifier, path) => {
    expect(bannedImports([{ path, text: `import { x } from '${specifier}';` }], BANNED_IMPORTS)).toEqual([]);
  });
});

describe('the code rules', () => {
  const path = 'packages/engine/src/db/a.ts';

  test.each([
    'const t = Date.now();',
    'const t = new Date();',
    'const t = performance.now();',
    'setTimeout(f, 1);',
    'const r = Math.random();',
    'const r = randomBytes(8);',
    'const x: any = 1;',
    'const x = y as any;',
    'const x = new Map<any, 1>();',
    '  private secret = 1;',
    'export default class {}',
    'test.only("x", () => {});',
    'list.push(...others);',
    'console.log(1);',
  ])('refuse %s', (text) => {
    expect(bannedCode([{ path, text: `// line\n${text}` }], BANNED_CODE)).toEqual([
      expect.stringMatching(/^packages\/engine\/src\/db\/a\.ts:2: /),
    ]);
  });

  test.each([
    '// Date.now() is not used',
    "const text = 'Math.random';",
    'const many = items.any(x);',
    'const x = { any: 1 };',
    'clock.after(1, f);',
    'list.push(...[1, 2]);',
  ])('accept %s', (text) => {
    expect(bannedCode([{ path, text }], BANNED_CODE)).toEqual([]);
  });

  test('let the clock read the time', () => {
    const clock = {
      path: 'packages/common/src/base/clock.ts',
      text: 'export const now = () => performance.now();',
    };
    expect(bannedCode([clock], BANNED_CODE)).toEqual([]);
  });
});

describe('the rule on leftovers', () => {
  const slash = '/';

  test.each([
    `// ${'TO'}${'DO'}: later`,
    `// ${'FIX'}${'ME'}`,
    `const dir = '${slash}work/main';`,
    `see ${slash}home/somebody`,
    `"resolved": "https://${'registry'}.example.org/x.tgz"`,
    `https://npm.${'artifactory'}.corp.com/x`,
  ])('refuses %s', (text) => {
    expect(leftovers([{ path: 'a.md', text: `\n${text}` }])).toEqual([expect.stringMatching(/^a\.md:2: /)]);
  });

  test.each(['a to do list', 'https://example.org/home/page', 'work/main', 'mastodon'])(
    'accepts %s',
    (text) => {
      expect(leftovers([{ path: 'a.md', text }])).toEqual([]);
    },
  );
});
