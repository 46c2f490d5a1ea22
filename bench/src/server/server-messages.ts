/** What the process of the server is asked, and what it tells. */
import type { Latency } from '../driver/meter.ts';
import type { Mark, StoreFacts } from '../engines/engine.ts';
import type { LoopDelay } from '../support/loop-delay.ts';
import type { Settings } from '../workloads/workload.ts';

export interface ServerRequest {
  readonly engine: string;
  readonly settings: Settings;
  readonly batchRecords: number;
  /** Records per second that are ingested beside the requests. */
  readonly ingestRate: number;
  /** CPU of a request: see `work`. */
  readonly hashes: number;
  readonly location: string;
}

/** What the server tells. */
export interface ServerSide {
  readonly ingested: number;
  readonly elapsedMs: number;
  readonly ingestLatency: Latency;
  readonly loopDelay: LoopDelay;
  readonly loopUtilization: number;
  readonly mainCpuMs: number;
  readonly rssBytes: number;
  readonly facts: StoreFacts;
  readonly marks: readonly Mark[];
  readonly checked: number;
}

export type ServerMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'started' }
  | { readonly kind: 'result'; readonly side: ServerSide }
  | { readonly kind: 'failed'; readonly message: string };
