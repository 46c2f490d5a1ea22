/**
 * What piscina runs in a worker thread: one task per call, answered with data. Expected failures are answers too;
 * only a bug makes this throw. No logic of its own, and no state between tasks.
 */
import { prepareArena } from '@arena-level/common/arena/prepare-arena';
import { systemClock } from '@arena-level/common/base/clock';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { assertNever } from '@arena-level/common/base/invariant';
import {
  FLUSH_PROTOCOL_VERSION,
  type WorkerRequest,
  type WorkerResponse,
} from '@arena-level/common/protocol/flush-protocol';
import { toWireError } from '@arena-level/common/protocol/wire-error';
import { openStorage } from '@arena-level/common/storage/open-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import type { StorageSpec } from '@arena-level/common/storage/storage-spec';
import { buildTable } from './build-table.ts';
import { compactTables } from './compact-tables.ts';
import { verifyTable } from './verify-table.ts';

export default function handleTask(request: WorkerRequest): WorkerResponse {
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
      default:
        return assertNever(request);
    }
  } catch (error) {
    return { kind: 'failed', error: toWireError(error) };
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
