/**
 * What piscina runs in a worker thread: one task per call, answered with data. Expected failures are answers too;
 * only a bug makes this throw. No logic of its own, and no state between tasks but the parse modules that were loaded.
 */
import { prepareArena, touchArena } from '@arena-level/common/arena/prepare-arena';
import { systemClock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { assertNever } from '@arena-level/common/base/invariant';
import {
  FLUSH_PROTOCOL_VERSION,
  type StoreRequest,
  type StoreResponse,
  type WorkerRequest,
  type WorkerResponse,
} from '@arena-level/common/protocol/flush-protocol';
import type { IngestRequest, IngestResponse } from '@arena-level/common/protocol/ingest-protocol';
import { toWireError } from '@arena-level/common/protocol/wire-error';
import { openStorage } from '@arena-level/common/storage/open-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { buildRun } from './build-run.ts';
import { buildTable } from './build-table.ts';
import { compactTables } from './compact-tables.ts';
import { ingestFailure } from './ingest-failure.ts';
import { parseToBatches, unloadTable } from './ingest-tasks.ts';
import { verifyTable } from './verify-table.ts';

export default function handleTask(request: StoreRequest): StoreResponse;
export default function handleTask(request: WorkerRequest): WorkerResponse | Promise<IngestResponse>;
export default function handleTask(request: WorkerRequest): WorkerResponse | Promise<IngestResponse> {
  try {
    requireVersion(request.protocolVersion);
    switch (request.task) {
      case 'flush':
        return withStorage(request.storage, (storage) => buildTable(request, storage, systemClock));
      case 'verify':
        return withStorage(request.storage, (storage) => verifyTable(request, storage));
      case 'compact':
        return withStorage(request.storage, (storage) => compactTables(request, storage, systemClock));
      case 'prepare':
        prepareArena(request.arena);
        return { kind: 'prepared' };
      case 'touch':
        touchArena(request.arena);
        return { kind: 'prepared' };
      case 'parse':
      case 'build-run':
      case 'unload':
        return handleIngestTask(request).catch(ingestFailure);
      default:
        return assertNever(request);
    }
  } catch (error) {
    return { kind: 'failed', error: toWireError(error) };
  }
}

/** Parse functions are loaded when they are first needed: these tasks wait for that. */
async function handleIngestTask(request: IngestRequest): Promise<IngestResponse> {
  if (request.task === 'parse') return await parseToBatches(request);
  const storage = openStorage(request.storage);
  try {
    return request.task === 'unload'
      ? unloadTable(request, storage)
      : await buildRun(request, storage, systemClock);
  } finally {
    storage.closeNow();
  }
}

function requireVersion(version: number): void {
  if (version === FLUSH_PROTOCOL_VERSION) return;
  throw new EngineError(
    ErrorCode.WorkerFailed,
    `the engine speaks version ${version} of the flush protocol, its worker version ${FLUSH_PROTOCOL_VERSION}: ` +
      'install arena-level and @arena-level/worker-flush of one version, and bundle them together',
  );
}

/** Each task opens the storage for itself: nothing is left to clean up when the thread ends. */
function withStorage<R>(spec: StorageSpec, use: (storage: Storage) => R): R {
  const storage = openStorage(spec);
  try {
    return use(storage);
  } finally {
    storage.closeNow();
  }
}
