/** One engine behind the server: the server in a process of its own, the requests from this one. */
import { fork } from 'node:child_process';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Latency, LatencyHistogram, SLICE_MS } from '../driver/meter.ts';
import type { ServerMessage, ServerRequest, ServerSide } from './server-messages.ts';

export interface ServerRun extends ServerSide {
  readonly engine: string;
  readonly requestRate: number;
  readonly ingestRate: number;
  readonly requests: number;
  /** Of requests, from when they were due. */
  readonly latency: Latency;
  readonly slowest: { readonly sliceMs: number; readonly maxUs: readonly number[] };
}

export interface RequestPlan {
  /** Requests per second. */
  readonly rate: number;
  readonly durationMs: number;
  /** Records 0 to this are asked for in turn. */
  readonly records: number;
}

const CHILD: string = fileURLToPath(new URL('./child.js', import.meta.url));
const SOCKETS = 64;
const WARM_UP_REQUESTS = 500;
/** A step between two records that are asked for: no two requests in a row meet the same block. */
const STRIDE = 7919;

export async function runServer(
  request: ServerRequest,
  plan: RequestPlan,
  interrupt: AbortSignal,
): Promise<ServerRun> {
  const child = fork(CHILD, { execArgv: [], signal: interrupt });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`the server of ${request.engine} ended with ${signal ?? `code ${code}`}`)),
    );
  });
  // Awaited through the races below only.
  ended.catch(() => undefined);
  const answer = <K extends ServerMessage['kind']>(kind: K): Promise<Extract<ServerMessage, { kind: K }>> =>
    new Promise((resolve, reject) => {
      child.on('message', (message: ServerMessage) => {
        if (message.kind === kind) resolve(message as Extract<ServerMessage, { kind: K }>);
        if (message.kind === 'failed') reject(new Error(message.message));
      });
    });
  const listening = answer('listening');
  const started = answer('started');
  const result = answer('result');
  started.catch(() => undefined);
  result.catch(() => undefined);
  child.send(request);
  const { port } = await Promise.race([listening, ended]);
  const load = new RequestLoop(port, plan);
  await Promise.race([load.warmUp(), ended]);
  child.send('start');
  await Promise.race([started, ended]);
  await Promise.race([load.run(), ended]);
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.send('stop');
  const { side } = await Promise.race([result, ended]);
  await exited;
  return {
    engine: request.engine,
    requestRate: plan.rate,
    ingestRate: request.ingestRate,
    ...side,
    ...load.figures(),
  };
}

/** Requests as they are due, whether those before them have been answered or not. */
export class RequestLoop {
  readonly #port: number;
  readonly #plan: RequestPlan;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
  readonly #latency = new LatencyHistogram();
  readonly #slowestUs: number[] = [];
  readonly #pending = new Set<Promise<void>>();
  #requests = 0;
  #failure: unknown;

  constructor(port: number, plan: RequestPlan) {
    this.#port = port;
    this.#plan = plan;
  }

  /** One request after the other, none of which counts: both ends compile what they need. */
  async warmUp(requests: number = WARM_UP_REQUESTS): Promise<void> {
    for (let number = 0; number < requests; number++) await this.#get(this.#path(number));
  }

  async run(): Promise<void> {
    const { durationMs, rate } = this.#plan;
    const intervalMs = 1000 / rate;
    const all = Math.floor(durationMs / intervalMs);
    const startMs = performance.now();
    // By number and not by the clock: however late the last turn comes, all that is due is sent.
    while (this.#requests < all && this.#failure === undefined) {
      const due = Math.min(all, Math.floor((performance.now() - startMs) / intervalMs));
      while (this.#requests < due) this.#send(startMs, intervalMs);
      await sleep(1);
    }
    await Promise.all(this.#pending);
    this.#agent.destroy();
    if (this.#failure !== undefined) throw this.#failure;
  }

  figures(): Pick<ServerRun, 'requests' | 'latency' | 'slowest'> {
    return {
      requests: this.#requests,
      latency: this.#latency.summary(),
      slowest: { sliceMs: SLICE_MS, maxUs: this.#slowestUs },
    };
  }

  #send(startMs: number, intervalMs: number): void {
    const number = this.#requests++;
    const dueMs = number * intervalMs;
    const answered: Promise<void> = this.#get(this.#path(number))
      .then(() => this.#answered(dueMs, performance.now() - startMs))
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#pending.delete(answered));
    this.#pending.add(answered);
  }

  #answered(dueMs: number, nowMs: number): void {
    this.#latency.record(nowMs - dueMs);
    const slice = Math.floor(nowMs / SLICE_MS);
    while (this.#slowestUs.length <= slice) this.#slowestUs.push(0);
    this.#slowestUs[slice] = Math.max(this.#slowestUs[slice]!, (nowMs - dueMs) * 1000);
  }

  #path(number: number): string {
    return `/${(number * STRIDE) % this.#plan.records}`;
  }

  #get(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const asked = get({ host: '127.0.0.1', port: this.#port, path, agent: this.#agent }, (response) => {
        response.resume();
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${path} was answered with ${response.statusCode}`));
        });
      });
      asked.once('error', reject);
    });
  }
}
