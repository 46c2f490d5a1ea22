import { posix } from 'node:path';

/** The part of a package.json that says what the package gives out. */
export interface PackageManifest {
  readonly name: string;
  readonly private?: boolean;
  readonly type?: string;
  readonly license?: string;
  readonly engines?: { readonly node?: string };
  readonly files?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

/**
 * What of a published package leads nowhere. A target in `dist` counts when the source it is compiled from exists:
 * the rule holds in a checkout that was not built.
 */
export function brokenExports(
  folder: string,
  manifest: PackageManifest,
  exists: (path: string) => boolean,
  sources: readonly string[],
): string[] {
  const broken: string[] = [];
  for (const [name, target] of Object.entries(manifest.exports ?? {})) {
    const conditions: Readonly<Record<string, string>> =
      typeof target === 'string' ? { default: target } : target;
    const names = Object.keys(conditions);
    if (conditions['default'] === undefined || names.at(-1) !== 'default') {
      broken.push(`${folder}: export '${name}' must end with the condition 'default'`);
    }
    for (const [condition, path] of Object.entries(conditions)) {
      if (!leadsSomewhere(folder, path, exists, sources))
        broken.push(`${folder}: export '${name}' (${condition}): ${path}`);
    }
  }
  for (const [name, path] of Object.entries(manifest.bin ?? {})) {
    if (!exists(posix.join(folder, path))) broken.push(`${folder}: program '${name}': ${path}`);
  }
  return broken;
}

function leadsSomewhere(
  folder: string,
  target: string,
  exists: (path: string) => boolean,
  sources: readonly string[],
): boolean {
  const source = target.replace(/^\.\/dist\/(.*?)(\.d\.ts|\.js)$/, './src/$1.ts');
  if (!source.includes('*')) return exists(posix.join(folder, source));
  const [before, after] = posix.join(folder, source).split('*') as [string, string];
  return sources.some((path) => path.startsWith(before) && path.endsWith(after));
}
