import { describe, expect, test } from 'vitest';
import { importsOf } from './import-graph.ts';
import { LAYERS, type PackageLayers } from './layer-table.ts';
import {
  fileCycles,
  folderCycles,
  layerViolations,
  type Manifest,
  undeclaredDependencies,
} from './layers.ts';
import { type TextFile, textFiles, typeScriptFiles } from './source-tree.ts';

function manifests(): Manifest[] {
  return textFiles()
    .filter(({ path }) => /(^|\/)package\.json$/.test(path))
    .map(({ path, text }) => {
      const { dependencies, optionalDependencies, devDependencies } = JSON.parse(text);
      return {
        folder: path === 'package.json' ? '' : path.slice(0, -'/package.json'.length),
        dependencies: Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }),
      };
    });
}

describe('the import graph', () => {
  test('has only imports that point down, to files that exist', () => {
    const existing = new Set(textFiles().map((one) => one.path));
    expect(layerViolations(typeScriptFiles(), LAYERS, existing)).toEqual([]);
  });

  test('has no cycle of files, type imports included', () => {
    expect(fileCycles(typeScriptFiles())).toEqual([]);
  });

  test('has no cycle of folders', () => {
    expect(folderCycles(typeScriptFiles(), LAYERS)).toEqual([]);
  });

  test('names only packages that the importing package declares', () => {
    expect(undeclaredDependencies(typeScriptFiles(), manifests())).toEqual([]);
  });

  test('is not empty: the sources were found and read', () => {
    const files = typeScriptFiles();
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap(importsOf).length).toBeGreaterThan(files.length);
  });
});

const SAMPLE_LAYERS: readonly PackageLayers[] = [
  { root: 'packages/common/src', mayImport: [], tiers: [['low'], ['high', 'beside']] },
  { root: 'packages/engine/src', mayImport: ['packages/common/src'], tiers: [['db'], ['.']] },
];

function file(path: string, ...imports: string[]): TextFile {
  return { path, text: imports.map((specifier) => `import { x } from '${specifier}';`).join('\n') };
}

describe('the layer rule', () => {
  const low = file('packages/common/src/low/a.ts');
  const high = file('packages/common/src/high/b.ts', '../low/a.ts');

  test('accepts imports that point down', () => {
    const engine = file('packages/engine/src/db/c.ts', '@arena-level/common/high/b', 'node:fs', 'piscina');
    expect(layerViolations([low, high, engine], SAMPLE_LAYERS)).toEqual([]);
  });

  test.each([
    ['points up', file('packages/common/src/low/x.ts', '../high/b.ts'), 'points up'],
    [
      'reaches into a package above',
      file('packages/common/src/low/x.ts', '../../../engine/src/db/c.ts'),
      'may not import',
    ],
    [
      'names a file that is not there',
      file('packages/common/src/low/x.ts', './missing.ts'),
      'there is no such file',
    ],
    [
      'names its own package',
      file('packages/common/src/high/x.ts', '@arena-level/common/low/a'),
      'imports are relative',
    ],
    [
      'leaves the packages',
      file('packages/common/src/low/x.ts', '../../../../bench/src/run.ts'),
      'outside of',
    ],
    ['is in an unknown folder', file('packages/common/src/new/x.ts'), "folder 'new' is in no tier"],
  ])('refuses a file that %s', (_, bad, problem) => {
    const others = [low, high, file('packages/engine/src/db/c.ts'), file('bench/src/run.ts')];
    expect(layerViolations([...others, bad], SAMPLE_LAYERS)).toEqual([expect.stringContaining(problem)]);
  });

  test('lets a unit test import what it needs', () => {
    const unitTest = file('packages/common/src/low/a.test.ts', '../high/b.ts');
    expect(layerViolations([low, high, unitTest], SAMPLE_LAYERS)).toEqual([]);
  });
});

describe('the cycle rules', () => {
  test('find files that import each other, through types too', () => {
    const files: TextFile[] = [
      file('bench/src/a.ts', './b.ts'),
      { path: 'bench/src/b.ts', text: "import type { C } from './c.ts';" },
      { path: 'bench/src/c.ts', text: "export type A = import('./a.ts').A;" },
      file('bench/src/d.ts', './a.ts'),
    ];
    expect(fileCycles(files)).toEqual([['bench/src/a.ts', 'bench/src/b.ts', 'bench/src/c.ts']]);
  });

  test('find folders that need each other although no files do', () => {
    const files = [
      file('packages/common/src/high/a.ts', '../beside/b.ts'),
      file('packages/common/src/beside/b.ts'),
      file('packages/common/src/beside/c.ts', '../high/d.ts'),
      file('packages/common/src/high/d.ts'),
    ];
    expect(fileCycles(files)).toEqual([]);
    expect(folderCycles(files, SAMPLE_LAYERS)).toEqual([
      ['packages/common/src/beside', 'packages/common/src/high'],
    ]);
  });
});

describe('the dependency rule', () => {
  test('finds packages that are imported but not declared, and lets tests use those of the root', () => {
    const declared: Manifest[] = [
      { folder: '', dependencies: ['vitest'] },
      { folder: 'packages/engine', dependencies: ['piscina'] },
    ];
    const files = [
      file('packages/engine/src/a.ts', 'piscina', 'left-pad/x', 'node:fs', './b.ts', '@scope/pkg/sub'),
      file('packages/engine/src/a.test.ts', 'vitest'),
      file('packages/engine/src/b.ts', 'vitest'),
    ];
    expect(undeclaredDependencies(files, declared)).toEqual([
      'packages/engine/src/a.ts:2: left-pad is not in its package.json',
      'packages/engine/src/a.ts:5: @scope/pkg is not in its package.json',
      'packages/engine/src/b.ts:1: vitest is not in its package.json',
    ]);
  });
});

describe('reading imports', () => {
  test('sees every form, and neither comments nor literals', () => {
    const text = [
      "import a, { b } from 'one';",
      "import type { C } from 'two';",
      "export { d } from 'three';",
      "const e = await import('four');",
      "import 'five';",
      "// import x from 'comment';",
      "/* export * from 'comment' */",
      'const s = "import x from \'literal\'";',
      "const t = `from 'literal'`;",
      'import {',
      '  f,',
      "} from 'six';",
    ].join('\n');
    const found = importsOf({ path: 'bench/src/a.ts', text }).map((one) => `${one.line} ${one.specifier}`);
    expect(found).toEqual(['1 one', '2 two', '3 three', '4 four', '5 five', '12 six']);
  });
});
