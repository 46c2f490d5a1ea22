import type { BatchOperation } from '../public/public-types.ts';
import { bytesOf, type Encoded } from './encoded.ts';

/** An operation of a batch as abstract-level forwards it. */
export interface EncodedOperation {
  readonly type: 'put' | 'del';
  readonly key: Encoded;
  /** Of a put. */
  readonly value?: Encoded;
}

/** The same for the engine. */
export function storeOperations(operations: readonly EncodedOperation[]): BatchOperation[] {
  return operations.map(({ type, key, value }) =>
    type === 'put' ? { type, key: bytesOf(key), value: bytesOf(value!) } : { type, key: bytesOf(key) },
  );
}
