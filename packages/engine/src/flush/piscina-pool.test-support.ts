import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '@arena-level/common/base/clock';
import {
  FLUSH_PROTOCOL_VERSION,
  type FlushRequest,
  type PrepareRequest,
  type VerifyRequest,
} from '@arena-level/common/protocol/flush-protocol';
import { DEFAULT_TABLE_OPTIONS } from '@arena-level/common/table/table-options';
import { temporaryDirectory } from '@arena-level/worker-flush/temporary-directory.test-support';

/** A worker of a test's own: the text of a module whose default export takes the requests. */
export function writeWorker(source: string): string {
  const path = join(temporaryDirectory(), 'worker.mjs');
  writeFileSync(path, source);
  return pathToFileURL(path).href;
}

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  keepAlive(): () => void {
    return () => {};
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }
}

/** Requests for workers that do not look at them; `number` tells them apart. */
export const flushRequest = (number: number, arena = new SharedArrayBuffer(8)): FlushRequest => ({
  task: 'flush',
  protocolVersion: FLUSH_PROTOCOL_VERSION,
  storage: { kind: 'node', directory: '/nowhere' },
  arena,
  generation: 1,
  entries: 1,
  tempNumber: number,
  dropHorizon: 0,
  options: DEFAULT_TABLE_OPTIONS,
});

export const verifyRequest = (number: number): VerifyRequest => ({
  task: 'verify',
  protocolVersion: FLUSH_PROTOCOL_VERSION,
  storage: { kind: 'node', directory: '/nowhere' },
  tableNumber: number,
  size: 1,
  smallest: new Uint8Array(8),
  largest: new Uint8Array(8),
});

export const prepareRequest = (arena: SharedArrayBuffer): PrepareRequest => ({
  task: 'prepare',
  protocolVersion: FLUSH_PROTOCOL_VERSION,
  arena,
});

/** Resolves when `condition` holds, a turn of the event loop at a time. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
