import type { Clock } from '@arena-level/common/base/clock';
import type { Storage } from '@arena-level/common/storage/storage';
import type { FlushExecutor } from '../flush/flush-executor.ts';
import { InlineFlushExecutor } from '../flush/inline-flush-executor.ts';
import { PiscinaFlushExecutor } from '../flush/piscina-flush-executor.ts';
import { workerFile } from '../flush/worker-file.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { OpenModules } from './open-modules.ts';

type Modules = OpenModules & { readonly clock: Clock };

/** Where the tables of a store are built and verified, as the options say. */
export function makeExecutor(storage: Storage, options: ResolvedOptions, modules: Modules): FlushExecutor {
  if (modules.executor !== undefined) return modules.executor;
  if (options.flush === 'inline') return new InlineFlushExecutor(storage, modules.clock);
  return new PiscinaFlushExecutor({
    storage,
    clock: modules.clock,
    flushWorkers: options.flushWorkers,
    compactionWorkers: options.compactionWorkers,
    workerUrl: modules.pool === undefined ? workerFile(options.workerUrl) : options.workerUrl,
    pool: modules.pool,
  });
}
