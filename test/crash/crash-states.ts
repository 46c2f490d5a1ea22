/** The states that a crash may leave at every moment of a trace, each once. */
import { createHash } from 'node:crypto';
import type { Prng } from '@arena-level/common/base/prng';
import { CrashReplay, LOSS_MODELS, type LossName } from '@arena-level/common/storage/crash-replay';
import type { StorageTrace } from '@arena-level/common/storage/storage-trace';
import type { CrashKind } from './history.ts';

export interface CrashState {
  readonly position: number;
  readonly loss: LossName;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Models that draw: each draw may give another state. */
const RANDOM_MODELS: ReadonlySet<LossName> = new Set(['ordered', 'linux', 'posix']);

export interface CrashStateOptions {
  /** States drawn at each moment from each model that is random. */
  readonly draws: number;
  /** On average one state of so many is given. */
  readonly oneIn: number;
  /** Moments to crash at. Default: all. */
  readonly isWanted?: (position: number) => boolean;
  /** What else tells two moments with equal files apart, such as what was promised by then. */
  readonly mark: (position: number, kind: CrashKind) => number | string;
}

export function kindOf(loss: LossName): CrashKind {
  return loss === 'process' ? 'process' : 'machine';
}

export function* crashStates(
  trace: StorageTrace,
  { draws, oneIn, isWanted, mark }: CrashStateOptions,
  prng: Prng,
): Generator<CrashState> {
  const seen = new Set<string>();
  const replay = new CrashReplay(trace);
  for (let position = 0; position <= trace.entries.length; position++) {
    if (isWanted?.(position) === false) continue;
    replay.advanceTo(position);
    for (const loss of Object.keys(LOSS_MODELS) as LossName[]) {
      for (let draw = 0; draw < (RANDOM_MODELS.has(loss) ? draws : 1); draw++) {
        const files = replay.crash(LOSS_MODELS[loss], prng);
        if (!prng.oneIn(oneIn)) continue;
        const key = `${fingerprint(files)} ${mark(position, kindOf(loss))}`;
        if (seen.has(key)) continue;
        seen.add(key);
        yield { position, loss, files };
      }
    }
  }
}

function fingerprint(files: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash('md5');
  for (const name of [...files.keys()].sort()) {
    const bytes = files.get(name)!;
    hash.update(`${name} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('base64');
}
