import { assertNever } from '../base/invariant.ts';
import { FaultStorage } from './fault-storage.ts';
import { NodeStorage } from './node-storage.ts';
import type { Storage } from './storage.ts';
import type { StorageSpec } from './storage-spec.ts';

/** Opens the storage that plain data describes; how a worker reaches the files of its owner. */
export function openStorage(spec: StorageSpec): Storage {
  switch (spec.kind) {
    case 'node':
      return new NodeStorage(spec.directory);
    case 'fault':
      return new FaultStorage(new NodeStorage(spec.directory), spec.plan);
    default:
      return assertNever(spec);
  }
}
