/** An HTTP server that reads from a store and works for a while on each request, while it ingests at a fixed rate. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance as clock } from 'node:perf_hooks';
import { engineNamed } from '../engines/all-engines.ts';
import type { BenchStore, Mark } from '../engines/engine.ts';
import { ArrivalLoop, BatchRing, WARM_UP_BATCHES } from '../flush/arrivals.ts';
import { LoopDelayMonitor } from '../support/loop-delay.ts';
import { threadCpu } from '../support/thread-cpu.ts';
import { Dataset } from '../workloads/dataset.ts';
import type { ServerRequest, ServerSide } from './server-messages.ts';
import { work } from './work.ts';

export class BenchServer {
  readonly #request: ServerRequest;
  readonly #store: BenchStore;
  readonly #batches: BatchRing;
  readonly #data: Dataset;
  readonly #server: Server;
  #failure: unknown;

  private constructor(request: ServerRequest, store: BenchStore) {
    const { compressible, keyBytes, valueBytes } = request.settings;
    this.#request = request;
    this.#store = store;
    this.#batches = new BatchRing(request);
    this.#data = new Dataset({ compressible, keyBytes, valueBytes, order: 'random' });
    this.#server = createServer((message, response) => void this.#answer(message, response));
  }

  /** Opens the store and puts the records that are asked for. */
  static async open(request: ServerRequest): Promise<BenchServer> {
    const loaded = await engineNamed(request.engine).load();
    if (typeof loaded === 'string') throw new Error(loaded);
    const { cacheBytes, writeBufferBytes } = request.settings;
    const store = await loaded.open({
      location: request.location,
      cacheBytes,
      writeBufferBytes,
      sync: false,
    });
    const server = new BenchServer(request, store);
    for (let at = 0; at < WARM_UP_BATCHES; at++) await store.batch(server.#batches.at(at));
    return server;
  }

  async listen(): Promise<number> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ingests until `stopped` resolves, and closes everything. `onStarted` is called when requests may come. */
  async ingestUntil(stopped: Promise<void>, onStarted: () => void): Promise<ServerSide> {
    const { batchRecords, ingestRate } = this.#request;
    const marks: Mark[] = [];
    this.#store.watch?.((mark) => marks.push(mark));
    const pace = { batchRecords, rate: ingestRate, durationMs: Number.POSITIVE_INFINITY };
    const loop = new ArrivalLoop(pace, this.#store, this.#batches, () => undefined);
    const monitor = await LoopDelayMonitor.start();
    const cpu = threadCpu();
    const cpuBefore = cpu.read();
    const loopBefore = clock.eventLoopUtilization();
    const running = loop.run();
    onStarted();
    await Promise.race([stopped, running]);
    loop.stop();
    await running;
    const { utilization } = clock.eventLoopUtilization(loopBefore);
    const mainCpuMs = (cpu.read() - cpuBefore) / 1e6;
    const loopDelay = await monitor.stop();
    if (this.#failure !== undefined) throw this.#failure;
    const checked = await this.#batches.check(this.#store);
    const facts = this.#store.facts();
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
    await this.#store.close();
    const { elapsedMs, latency, records } = loop.figures();
    return {
      ingested: records,
      elapsedMs,
      ingestLatency: latency,
      loopDelay,
      loopUtilization: utilization,
      mainCpuMs,
      rssBytes: process.memoryUsage.rss(),
      facts,
      marks: marks.map((mark) => ({ ...mark, startMs: mark.startMs - loop.startMs })),
      checked,
    };
  }

  /** `GET /<record>`: its value. A wrong one fails the run. */
  async #answer({ url = '/0' }: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const record = Number(url.slice(1));
      work(this.#request.hashes);
      const value = await this.#store.get(this.#data.keyOf(record));
      this.#data.checkValue(value, record, 0);
      response.end(value);
    } catch (error) {
      this.#failure ??= error;
      response.statusCode = 500;
      response.end();
    }
  }
}
