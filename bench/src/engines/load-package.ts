import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require: NodeJS.Require = createRequire(import.meta.url);

/** The module of an optional package, or why it cannot be had. The type is what is used of it. */
export async function loadPackage<T>(name: string): Promise<T | string> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_MODULE_NOT_FOUND') return `${name} is not installed`;
    return `${name} does not load: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
  }
}

/** The version of a package that may not export its package.json: looked for above its main file. */
export function packageVersion(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const text = readFileSync(`${folder}/${name}/package.json`, 'utf8');
      return (JSON.parse(text) as { readonly version: string }).version;
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown';
}
