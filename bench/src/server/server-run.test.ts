import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { percentileUs } from '../driver/meter.ts';
import { SMALL_SETTINGS } from '../workloads/small-settings.test-support.ts';
import { BenchServer } from './http-server.ts';
import { RequestLoop } from './server-run.ts';
import { hashesFor } from './work.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-server-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serve(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('requests at a fixed rate', () => {
  test('are counted from when they were due: one held server makes all of them wait', async () => {
    let held: (() => void)[] = [];
    const { server, port } = await serve((_, response) => {
      held.push(() => response.end());
      // Nobody is answered before twenty wait.
      if (held.length === 20) {
        for (const answer of held) answer();
        held = [];
      }
    });
    const loop = new RequestLoop(port, { rate: 100, durationMs: 405, records: 10 });
    await loop.run();
    server.close();
    const { latency, requests } = loop.figures();
    expect(requests).toBe(40);
    expect(latency.count).toBe(40);
    // The first of twenty waits for the last of them, 190 ms later; half of all wait for longer than nine.
    expect(latency.maxUs).toBeGreaterThan(185_000);
    expect(percentileUs(latency, 50)).toBeGreaterThan(80_000);
  });

  test('do not count while both ends warm up', async () => {
    let answered = 0;
    const { server, port } = await serve((_, response) => {
      answered++;
      response.end();
    });
    const loop = new RequestLoop(port, { rate: 100, durationMs: 55, records: 10 });
    await loop.warmUp(20);
    await loop.run();
    server.close();
    expect(answered).toBe(25);
    expect(loop.figures().requests).toBe(5);
    expect(loop.figures().latency.count).toBe(5);
  });

  test('fail the run when one is not answered with a value', async () => {
    const { server, port } = await serve((_, response) => {
      response.statusCode = 500;
      response.end();
    });
    const loop = new RequestLoop(port, { rate: 100, durationMs: 100, records: 10 });
    await expect(loop.run()).rejects.toThrow('was answered with 500');
    server.close();
  });
});

describe('a server on an engine', () => {
  test('answers with the records that it holds while it ingests', { timeout: 60_000 }, async () => {
    const server = await BenchServer.open({
      engine: 'arena',
      settings: SMALL_SETTINGS,
      batchRecords: 10,
      ingestRate: 2000,
      hashes: 1,
      location: join(folder, 'store'),
    });
    const port = await server.listen();
    let stop = (): void => undefined;
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const loop = new RequestLoop(port, { rate: 100, durationMs: 500, records: 2000 });
    let load: Promise<void> | undefined;
    const side = await server.ingestUntil(stopped, () => {
      load = loop.run().finally(stop);
    });
    await load;
    expect(loop.figures().latency.count).toBe(loop.figures().requests);
    expect(side.ingested).toBeGreaterThan(0);
    expect(side.checked).toBeGreaterThan(0);
  });
});

test('more CPU is more hashes', () => {
  expect(hashesFor(0)).toBe(0);
  expect(hashesFor(20_000)).toBeGreaterThan(hashesFor(500));
});
