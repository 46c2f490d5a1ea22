/** The files of the repository that people write: what the tidy rules look at. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface TextFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([
  'node_modules',
  'dist',
  'coverage',
  '.git',
  '.bench',
  'golden',
]);
const TEXT_NAME = /(\.(ts|js|mjs|json|md|ya?ml)|^\.gitignore|^LICENSE)$/;

let cached: readonly TextFile[] | undefined;

/** Every text file, build output and installed packages left out. */
export function textFiles(): readonly TextFile[] {
  cached ??= walk('').sort((a, b) => (a.path < b.path ? -1 : 1));
  return cached;
}

/** TypeScript of the packages, the benchmarks and the tests. */
export function typeScriptFiles(): readonly TextFile[] {
  return textFiles().filter(({ path }) => /^(packages\/[^/]+\/src|bench\/src|test)\/.*\.ts$/.test(path));
}

/** True for code that only tests run. */
export function isTestCode(path: string): boolean {
  return path.startsWith('test/') || /\.(test|test-support)\.ts$/.test(path);
}

function walk(folder: string): TextFile[] {
  return readdirSync(ROOT + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : walk(path);
    return TEXT_NAME.test(entry.name) ? [{ path, text: readFileSync(ROOT + path, 'utf8') }] : [];
  });
}
