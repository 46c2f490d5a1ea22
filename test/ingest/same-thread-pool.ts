import { systemClock } from '@arena-level/common/base/clock';
import type { WorkerRequest } from '@arena-level/common/protocol/flush-protocol';
import type { Storage } from '@arena-level/common/storage/storage';
import { buildRun } from '@arena-level/worker-flush/build-run';
import { compactTables } from '@arena-level/worker-flush/compact-tables';
import { parseToBatches, unloadTable } from '@arena-level/worker-flush/ingest-tasks';
import { type OpenModules, type OpenOptions, open, type Store } from 'arena-level/engine';

type Pool = NonNullable<OpenModules['pool']>;

/**
 * The tasks of an ingest on this thread, over the storage of the test: answers come as from a thread, cloned. `before`
 * is told of each task, and the task waits for what it returns.
 */
export function sameThreadPool(
  storage: Storage,
  before: (request: WorkerRequest) => Promise<void> | void = () => {},
): Pool {
  return {
    async run(given) {
      const request = structuredClone(given);
      await before(request);
      return structuredClone(await handle(request, storage));
    },
  };
}

async function handle(request: WorkerRequest, storage: Storage): Promise<unknown> {
  switch (request.task) {
    case 'parse':
      return await parseToBatches(request);
    case 'build-run':
      return await buildRun(request, storage, systemClock);
    case 'unload':
      return unloadTable(request, storage);
    case 'compact':
      return compactTables(request, storage, systemClock);
    default:
      throw new Error(`no task of an ingest: ${request.task}`);
  }
}

/** A store whose ingests take it that threads reach its files; nothing else does. */
export async function openReachable(
  storage: Storage,
  options: OpenOptions,
  modules: Omit<OpenModules, 'storage'>,
): Promise<Store> {
  const trace: OpenModules['trace'] = (name, details) => {
    modules.trace?.(name, details);
    if (name === 'closed') setReachable(storage, false);
  };
  const store = await open(storage.location, options, { ...modules, storage, trace });
  setReachable(storage, true);
  return store;
}

/** Of a store that is open: while it is opened, such a storage would be one on disk. */
export function setReachable(storage: Storage, isReachable: boolean): void {
  const value = isReachable ? { kind: 'node', directory: 'none' } : undefined;
  Object.defineProperty(storage, 'spec', { value, configurable: true });
}
