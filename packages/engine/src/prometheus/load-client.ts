import { createRequire } from 'node:module';
import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import type { Client } from './exporter.ts';

/** prom-client, which whoever wants metrics has installed: it is an optional peer. `load` finds packages. */
export function loadClient(load: (name: string) => unknown = createRequire(import.meta.url)): Client {
  try {
    return load('prom-client') as Client;
  } catch (error) {
    throw new EngineError(
      ErrorCode.NotSupported,
      "metrics need the package 'prom-client', version 15, which is not installed: npm install prom-client",
      { cause: error },
    );
  }
}
