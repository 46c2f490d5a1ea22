/** Packs the packages as they would be published, and installs them into empty projects. */
import { type ExecFileException, execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './build-lock.ts';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** Folder under `packages`, and the name it is published as. */
export const PACKAGES = {
  common: '@arena-level/common',
  'worker-flush': '@arena-level/worker-flush',
  engine: 'arena-level',
} as const;
export type PackageFolder = keyof typeof PACKAGES;
export const FOLDERS: readonly PackageFolder[] = ['common', 'worker-flush', 'engine'];

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a consumer's shell has: without what pnpm and vitest put there, above all NODE_PATH, which leads into this checkout. */
const LEFT_OUT =
  /^(NODE_PATH|NODE_OPTIONS|NODE_ENV|INIT_CWD|ARENA_LEVEL_.*|VITEST.*|pnpm_.*|npm_(?!config_(registry|userconfig|cache)$).*)$/i;

export const CONSUMER_ENV: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !LEFT_OUT.test(name)),
);

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], cwd: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { cwd, env: CONSUMER_ENV, encoding: 'utf8', maxBuffer: 1 << 26 },
      (error: ExecFileException | null, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr: error !== null && stderr === '' ? error.message : stderr });
      },
    );
  });
}

/** Runs a program that must succeed; the error has what it printed. */
export async function runWell(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, cwd);
  if (code !== 0)
    throw new Error(`${[program, ...args].join(' ')} in ${cwd} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/**
 * Compiles what has changed. The bundle of the worker is there already: every test run begins by making it.
 *
 * Test files run side by side. Who comes second finds everything compiled, and so writes nothing that the first reads.
 */
export function build(): Promise<void> {
  return withLock(join(ROOT, 'node_modules/.arena-level-build'), async () => {
    await runWell(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b'], ROOT);
    for (const folder of FOLDERS) removeStaleOutput(join(ROOT, 'packages', folder));
  });
}

export class PackedWorkspace {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'arena-level-pack-'));
  readonly tarballs: Record<PackageFolder, string> = { common: '', 'worker-flush': '', engine: '' };

  /** Builds all packages and packs them. */
  async pack(): Promise<void> {
    await build();
    const [pnpm, ...first] = pnpmCommand();
    for (const folder of FOLDERS) {
      const target = join(this.folder, folder);
      mkdirSync(target);
      const out = await runWell(
        pnpm,
        [...first, 'pack', '--json', '--pack-destination', target],
        join(ROOT, 'packages', folder),
      );
      this.tarballs[folder] = (JSON.parse(out) as { readonly filename: string }).filename;
    }
  }

  /** Paths inside a tarball, without the leading `package/`. */
  async files(folder: PackageFolder): Promise<string[]> {
    const list = await runWell('tar', ['-tzf', this.tarballs[folder]], this.folder);
    return list
      .trim()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''));
  }

  async manifest(folder: PackageFolder): Promise<Record<string, unknown>> {
    return JSON.parse(
      await runWell('tar', ['-xzOf', this.tarballs[folder], 'package/package.json'], this.folder),
    );
  }

  /** An empty project that depends on arena-level alone, installed by npm. Returns its folder. */
  async install(name: string, ...options: string[]): Promise<string> {
    const project = join(this.folder, name);
    mkdirSync(project);
    const own = (folder: PackageFolder): string => `file:${this.tarballs[folder]}`;
    const manifest = {
      name: 'consumer',
      private: true,
      type: 'module',
      dependencies: { [PACKAGES.engine]: own('engine') },
      overrides: { [PACKAGES.common]: own('common'), [PACKAGES['worker-flush']]: own('worker-flush') },
    };
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
    const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=5'];
    await runWell('npm', ['install', ...quietly, ...options], project);
    return project;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** pnpm where the tests were started by it or it is installed, else the pinned version through npx. */
function pnpmCommand(): [program: string, ...args: string[]] {
  const starter = process.env['npm_execpath'];
  if (starter !== undefined && /pnpm/.test(starter)) {
    return /\.[cm]?js$/.test(starter) ? [process.execPath, starter] : [starter];
  }
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly packageManager: string;
  };
  return ['npx', '--yes', packageManager];
}

/** The compiler leaves the output of sources that were renamed or removed. */
function removeStaleOutput(folder: string): void {
  for (const path of readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })) {
    const source = /^(.*?)\.(js|d\.ts)(\.map)?$/.exec(path)?.[1];
    if (source !== undefined && !existsSync(join(folder, 'src', `${source}.ts`)))
      rmSync(join(folder, 'dist', path), { force: true });
  }
}
