import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { crc32cImplementation } from '@arena-level/common/bytes/crc32c';

/** Where numbers were taken: they compare only with others of the same machine and commit. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  readonly crc32c: string;
  readonly commit: string;
  readonly time: string;
}

export function machine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    crc32c: crc32cImplementation,
    commit: commit(),
    time: new Date().toISOString(),
  };
}

export function machineText(m: Machine): string {
  return `${m.cpu}, ${m.cores} cores, ${m.memoryGiB} GiB, ${m.system}, Node ${m.node}, CRC-32C ${m.crc32c}, commit ${m.commit}`;
}

/** Short hash of the checkout, with `+` when files differ from it; `unknown` outside of a repository. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: new URL('.', import.meta.url),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}
