import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { brokenExports, type PackageManifest } from './package-exports.ts';
import { ROOT, textFiles, typeScriptFiles } from './source-tree.ts';

const PUBLISHED = ['packages/common', 'packages/worker-flush', 'packages/engine'];

function manifestOf(folder: string): PackageManifest {
  return JSON.parse(
    textFiles().find(({ path }) => path === `${folder}/package.json`)!.text,
  ) as PackageManifest;
}

describe.each(PUBLISHED)('the package in %s', (folder) => {
  const manifest = manifestOf(folder);

  test('exports only what is there', () => {
    const sources = typeScriptFiles().map(({ path }) => path);
    expect(brokenExports(folder, manifest, (path) => existsSync(ROOT + path), sources)).toEqual([]);
  });

  test('states what a published package must', () => {
    expect(manifest.private).toBeUndefined();
    expect(manifest).toMatchObject({ type: 'module', license: 'MIT', engines: { node: '>=20.19' } });
    expect(manifest.files).toEqual(
      expect.arrayContaining(['dist', 'src', '!dist/.tsbuildinfo', '!src/**/*.test.ts']),
    );
    expect(existsSync(`${ROOT}${folder}/LICENSE`)).toBe(true);
  });
});

describe('the rule on exports', () => {
  const present = new Set(['p/src/index.ts', 'p/package.json', 'p/bin/run.js']);
  const broken = (manifest: Omit<PackageManifest, 'name'>): string[] =>
    brokenExports('p', { name: 'p', ...manifest }, (path) => present.has(path), [
      'p/src/index.ts',
      'p/src/a/b.ts',
    ]);

  test('accepts what leads to sources, patterns too', () => {
    expect(
      broken({
        exports: {
          '.': { source: './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
          './*': { types: './dist/*.d.ts', default: './dist/*.js' },
          './package.json': './package.json',
        },
        bin: { run: './bin/run.js' },
      }),
    ).toEqual([]);
  });

  test('refuses what leads nowhere', () => {
    expect(
      broken({
        exports: {
          '.': { types: './dist/indx.d.ts', default: './dist/index.js' },
          './*': './lib/*.js',
          './x': { types: './src/index.ts' },
        },
        bin: { run: './bin/missing.js' },
      }),
    ).toEqual([
      "p: export '.' (types): ./dist/indx.d.ts",
      "p: export './*' (default): ./lib/*.js",
      "p: export './x' must end with the condition 'default'",
      "p: program 'run': ./bin/missing.js",
    ]);
  });
});
