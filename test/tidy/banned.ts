/** What may be used only where it is meant to be. */
import { lineAt, mask } from './code-mask.ts';
import { importsOf } from './import-graph.ts';
import type { TextFile } from './source-tree.ts';

export interface BannedImport {
  readonly specifier: RegExp;
  /** Paths where it is allowed. */
  readonly allowed: readonly RegExp[];
  readonly instead: string;
}

export interface BannedCode {
  readonly pattern: RegExp;
  /** Paths where it is allowed. */
  readonly allowed: readonly RegExp[];
  readonly instead: string;
}

/** Benchmarks and tests stand outside of the packages: they measure time and make files of their own. */
const OUTSIDE: readonly RegExp[] = [/^bench\//, /^test\//];
const OWN_TESTS = /\.(test|test-support)\.ts$/;

export const BANNED_IMPORTS: readonly BannedImport[] = [
  {
    specifier: /^(node:)?fs(\/promises)?$/,
    allowed: [
      ...OUTSIDE,
      OWN_TESTS,
      /^packages\/common\/src\/storage\/node-[\w-]+\.ts$/,
      /^packages\/engine\/src\/(lock|cli)\//,
      // Not files of a store.
      /^packages\/engine\/src\/flush\/worker-file\.ts$/,
      /^packages\/engine\/src\/ingest\/source-files\.ts$/,
    ],
    instead: 'the Storage seam (common/storage/storage.ts)',
  },
  {
    specifier: /^piscina$/,
    allowed: [/^packages\/engine\/src\/flush\//],
    instead: 'a FlushExecutor (engine/flush)',
  },
  {
    specifier:
      /^(fs|path|os|url|util|crypto|events|stream|worker_threads|perf_hooks|buffer|zlib|module|process)$/,
    allowed: [],
    instead: 'the node: prefix',
  },
];

const CLOCK = /^packages\/common\/src\/base\/clock\.ts$/;

export const BANNED_CODE: readonly BannedCode[] = [
  {
    pattern: /\b(Date\.now|new Date\b|performance\.now|process\.hrtime)/g,
    allowed: [...OUTSIDE, CLOCK],
    instead: 'Clock (common/base/clock.ts)',
  },
  {
    pattern: /\b(setTimeout|setInterval)\s*\(/g,
    allowed: [...OUTSIDE, OWN_TESTS, CLOCK],
    instead: 'Clock.after (common/base/clock.ts)',
  },
  {
    pattern: /\bMath\.random\b/g,
    allowed: [],
    instead: 'Prng (common/base/prng.ts)',
  },
  {
    pattern: /\b(randomBytes|randomInt|randomUUID|randomFillSync|getRandomValues)\b/g,
    // The seed of the bucket hash differs per process, the nonce of a lock holder per opener.
    allowed: [...OUTSIDE, /^packages\/common\/src\/arena\/arena\.ts$/, /^packages\/engine\/src\/lock\//],
    instead: 'Prng (common/base/prng.ts)',
  },
  {
    pattern: /(?::|\bas|<|\||=>?)\s*any\b(?!\s*\()/g,
    allowed: [],
    instead: 'unknown and a check',
  },
  {
    pattern: /^\s*private\s+(?!constructor)\w/gm,
    allowed: [],
    // A constructor has no # form.
    instead: 'a #private member',
  },
  {
    pattern: /^\s*export\s+default\b/gm,
    allowed: [/^packages\/worker-flush\/src\/worker\.ts$/, /\.setup\.ts$/],
    instead: 'a named export',
  },
  {
    pattern: /\b(describe|test|it)\.only\b/g,
    allowed: [],
    instead: 'all tests',
  },
  {
    pattern: /\.push\(\.\.\.(?!\[)/g,
    // A spread puts every element on the stack: an array of 125,000 overflows it.
    allowed: [OWN_TESTS, ...OUTSIDE],
    instead: 'a loop, or concat',
  },
  {
    pattern: /\bdebugger\b|\bconsole\.\w+\(/g,
    allowed: OUTSIDE,
    instead: 'an event of the store, or the CLI streams',
  },
];

export function bannedImports(files: readonly TextFile[], rules: readonly BannedImport[]): string[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap(({ specifier, line }) =>
      rules
        .filter((rule) => rule.specifier.test(specifier) && !allows(rule, file.path))
        .map((rule) => `${file.path}:${line}: imports ${specifier}; use ${rule.instead}`),
    ),
  );
}

export function bannedCode(files: readonly TextFile[], rules: readonly BannedCode[]): string[] {
  return files.flatMap((file) => {
    const { codeOnly } = mask(file.text);
    return rules
      .filter((rule) => !allows(rule, file.path))
      .flatMap((rule) =>
        [...codeOnly.matchAll(rule.pattern)].map(
          (match) =>
            `${file.path}:${lineAt(codeOnly, match.index + match[0].search(/\S/))}: ${match[0].trim()}; use ${rule.instead}`,
        ),
      );
  });
}

function allows(rule: { readonly allowed: readonly RegExp[] }, path: string): boolean {
  return rule.allowed.some((pattern) => pattern.test(path));
}

/** Leftover notes: what is not done is not in the code. */
const NOTE = new RegExp(
  `\\b(${['TO', 'FIX', 'XX', 'HA'].map((half, at) => half + ['DO', 'ME', 'X', 'CK'][at]!).join('|')})\\b`,
);

/** Paths of somebody's machine and hosts of package registries: they work nowhere else. */
const MACHINE =
  /(?:^|[\s'"`(=])(\/(?:work|root|home|Users|tmp\/[a-z]+_jobs)\/[\w.-]+|[A-Z]:\\Users\\)|\b(registry\.[\w.-]+|[\w.-]*(?:artifactory|verdaccio|nexus)[\w.-]*\.[a-z]{2,}|localhost:\d+\/repository)/i;

export function leftovers(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, at) => {
      const found = NOTE.exec(line)?.[0] ?? MACHINE.exec(line)?.[0].trim();
      return found === undefined ? [] : [`${path}:${at + 1}: ${found}`];
    }),
  );
}
