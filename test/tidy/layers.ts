import { cycles, edgesOf, type Import, importsOf, packageOf } from './import-graph.ts';
import type { PackageLayers } from './layer-table.ts';
import { isTestCode, type TextFile } from './source-tree.ts';

/** Imports that point up, out of the package's reach, or at nothing; and folders that no tier names. */
export function layerViolations(
  files: readonly TextFile[],
  layers: readonly PackageLayers[],
  existing: ReadonlySet<string> = new Set(files.map((file) => file.path)),
): string[] {
  const violations: string[] = [];
  for (const file of files) {
    const home = layers.find((candidate) => file.path.startsWith(`${candidate.root}/`));
    if (home !== undefined && tierOf(home, file.path) < 0) {
      violations.push(`${file.path}: folder '${folderOf(home, file.path)}' is in no tier of ${home.root}`);
    }
    for (const one of importsOf(file)) {
      if (one.to === undefined) continue;
      const problem = existing.has(one.to) ? problemOf(one, home, layers) : 'there is no such file';
      if (problem !== undefined)
        violations.push(`${one.from}:${one.line}: imports ${one.specifier}: ${problem}`);
    }
  }
  return violations;
}

function problemOf(
  one: Import,
  home: PackageLayers | undefined,
  layers: readonly PackageLayers[],
): string | undefined {
  const target = layers.find((candidate) => one.to!.startsWith(`${candidate.root}/`));
  if (home === undefined) return undefined;
  if (target === undefined)
    return isTestCode(one.from) ? undefined : `outside of ${home.root} and its packages`;
  if (target === home) {
    const relative = packageOf(one.specifier) === undefined;
    if (!relative) return 'inside a package, imports are relative';
    const from = tierOf(home, one.from);
    return from >= 0 && tierOf(home, one.to!) > from && !isTestCode(one.from) ? 'points up' : undefined;
  }
  if (isTestCode(one.from) || home.mayImport.includes(target.root)) return undefined;
  return `${home.root} may not import ${target.root}`;
}

function folderOf(layers: PackageLayers, path: string): string {
  const inside = path.slice(layers.root.length + 1);
  return inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : '.';
}

function tierOf(layers: PackageLayers, path: string): number {
  const folder = folderOf(layers, path);
  return layers.tiers.findIndex((tier) => tier.includes(folder));
}

/** Groups of files that import each other, directly or through others. */
export function fileCycles(files: readonly TextFile[]): string[][] {
  return cycles(edgesOf(ownImports(files).map((one) => [one.from, one.to!])));
}

/** The same for folders: two folders of one tier that need each other are one folder. */
export function folderCycles(files: readonly TextFile[], layers: readonly PackageLayers[]): string[][] {
  const folder = (path: string): string => {
    const home = layers.find((candidate) => path.startsWith(`${candidate.root}/`));
    return home === undefined ? 'outside' : `${home.root}/${folderOf(home, path)}`;
  };
  const source = files.filter((file) => !isTestCode(file.path));
  const pairs = ownImports(source).map((one): [string, string] => [folder(one.from), folder(one.to!)]);
  return cycles(edgesOf(pairs.filter(([from, to]) => from !== to)));
}

function ownImports(files: readonly TextFile[]): Import[] {
  return files.flatMap(importsOf).filter((one) => one.to !== undefined);
}

export interface Manifest {
  /** Of the package, `''` for the root. */
  readonly folder: string;
  readonly dependencies: readonly string[];
}

/** Imported packages that the package.json of the importing file (or, for test code, that of the root) does not list. */
export function undeclaredDependencies(files: readonly TextFile[], manifests: readonly Manifest[]): string[] {
  const root = manifests.find((manifest) => manifest.folder === '')?.dependencies ?? [];
  return files.flatMap((file) => {
    const own = manifests.find(
      (manifest) => manifest.folder !== '' && file.path.startsWith(`${manifest.folder}/`),
    );
    const listed = new Set([...(own?.dependencies ?? []), ...(isTestCode(file.path) ? root : [])]);
    return importsOf(file).flatMap(({ specifier, line }) => {
      const name = packageOf(specifier);
      return name === undefined || listed.has(name)
        ? []
        : [`${file.path}:${line}: ${name} is not in its package.json`];
    });
  });
}
