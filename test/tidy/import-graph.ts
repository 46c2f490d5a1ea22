/** Which file imports which, type imports included: a cycle of types is a cycle of the design. */
import { posix } from 'node:path';
import { lineAt, mask } from './code-mask.ts';
import type { TextFile } from './source-tree.ts';

export interface Import {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
  /** Path of the imported file of this repository; undefined for built-ins and installed packages. */
  readonly to: string | undefined;
}

const SPECIFIER = /(?:\bfrom|\bimport\s*\(|^\s*import|\bimport)\s*(['"])([^'"\n]*)\1/gm;

/** Where the packages of this repository are. */
const OWN_PACKAGES: Readonly<Record<string, string>> = {
  '@arena-level/common': 'packages/common/src',
  '@arena-level/worker-flush': 'packages/worker-flush/src',
  'arena-level': 'packages/engine/src',
};

export function importsOf(file: TextFile): Import[] {
  const { withLiterals, codeOnly } = mask(file.text);
  const imports: Import[] = [];
  for (const match of withLiterals.matchAll(SPECIFIER)) {
    // The words must be code, not text inside a literal.
    const word = match.index + match[0].search(/\S/);
    if (codeOnly[word] !== withLiterals[word]) continue;
    const specifier = match[2]!;
    imports.push({
      from: file.path,
      line: lineAt(file.text, word),
      specifier,
      to: resolve(file.path, specifier),
    });
  }
  return imports;
}

/** `@scope/name` or `name` of the package that a specifier names; undefined for relative ones and built-ins. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0];
}

function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  const name = packageOf(specifier);
  const folder = name === undefined ? undefined : OWN_PACKAGES[name];
  if (folder === undefined || name === undefined) return undefined;
  if (name === 'arena-level') return `${folder}/index.ts`;
  return `${folder}/${specifier.slice(name.length + 1)}.ts`;
}

/** Every group of nodes that reach each other, by Tarjan's algorithm; sorted, single nodes left out. */
export function cycles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    const own = index.size;
    index.set(node, own);
    low.set(node, own);
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, low.get(next)!));
    }
    if (low.get(node) !== own) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1 || edges.get(node)?.has(node)) found.push(group.sort());
  };
  for (const node of edges.keys()) if (!index.has(node)) visit(node);
  return found.sort();
}

export function edgesOf(pairs: Iterable<readonly [string, string]>): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const [from, to] of pairs) {
    const targets = edges.get(from) ?? new Set();
    edges.set(from, targets.add(to));
  }
  return edges;
}
