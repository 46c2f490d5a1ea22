/** The code blocks of a page, and how each is run. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { transform } from 'esbuild';
import { ROOT, run } from '../package/packed-workspace.ts';

export interface CodeBlock {
  /** Of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

/** All fenced blocks of a Markdown text, in their order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(\s*)(`{3,})(\S*)/.exec(lines[at]!);
    if (fence === null) continue;
    const [, indent, ticks, language] = fence as unknown as [string, string, string, string];
    const end = lines.findIndex((line, index) => index > at && line === `${indent}${ticks}`);
    if (end < 0) throw new Error(`line ${at + 1}: the code block has no end`);
    const code = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ line: at + 1, language, code: code.join('\n') });
    at = end;
  }
  return blocks;
}

/** What is shown and not run: output, formats and pictures in characters. */
export const SHOWN: ReadonlySet<string> = new Set(['', 'text', 'console', 'json', 'yaml', 'promql']);

/**
 * What a program says it prints, in its order: the comments behind its calls of console.log, a line each.
 */
export function promisedLines(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\);? \/\/ (.+)$/gm)].map(([, line]) => line!);
}

/** Commands for a checkout of the repository: the tests themselves are run by them. */
const OF_THE_CHECKOUT = /^(npx -y pnpm@[\d.]+|pnpm|node packages\/engine\/bin|TORTURE_SCALE=|git) ?/;

function brokenPromise(promised: readonly string[], stdout: string): string | undefined {
  const printed = stdout.split('\n');
  let from = 0;
  for (const line of promised) {
    const at = printed.indexOf(line, from);
    if (at < 0) return `'${line}' is not printed:\n${stdout}`;
    from = at + 1;
  }
  return undefined;
}

/**
 * A folder in which the blocks of one page run in their order, so that a later one finds what an earlier one made. Programs
 * find the packages of this checkout, shells the commands `arena-level` and `npx`.
 */
export class PageFolder {
  readonly #folder: string;
  #programs = 0;

  /** `folder` is empty, and removed by the caller. */
  constructor(folder: string) {
    this.#folder = folder;
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    symlinkSync(join(ROOT, 'test/node_modules'), join(folder, 'node_modules'));
    const bin = join(folder, '.bin');
    mkdirSync(bin);
    const program = `exec "${process.execPath}" "${join(ROOT, 'packages/engine/bin/arena-level.js')}" "$@"`;
    this.#command('arena-level', program);
    this.#command('npx', `[ "$1" = arena-level ] || { echo "npx $1?" >&2; exit 2; }\nshift\n${program}`);
  }

  /** Runs a block to its end; undefined, or what went wrong. */
  async run({ language, code }: CodeBlock): Promise<string | undefined> {
    if (language === 'js' || language === 'ts') {
      const program = `block-${++this.#programs}.js`;
      const runnable =
        language === 'js' ? code : (await transform(code, { loader: 'ts', target: 'node20' })).code;
      writeFileSync(join(this.#folder, program), runnable);
      const result = await run(process.execPath, [program], this.#folder);
      return this.#problem(result) ?? brokenPromise(promisedLines(code), result.stdout);
    }
    if (language === 'sh') {
      const own = code.split('\n').filter((line) => !OF_THE_CHECKOUT.test(line));
      const path = `export PATH="${join(this.#folder, '.bin')}${delimiter}$PATH"`;
      return this.#problem(
        await run('bash', ['-euo', 'pipefail', '-c', [path, ...own].join('\n')], this.#folder),
      );
    }
    return `nothing runs blocks of '${language}'`;
  }

  #problem({ code, stdout, stderr }: Awaited<ReturnType<typeof run>>): string | undefined {
    return code === 0 ? undefined : `ended with ${code}\n${stdout}\n${stderr}`;
  }

  #command(name: string, script: string): void {
    const path = join(this.#folder, '.bin', name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
}
