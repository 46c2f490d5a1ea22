import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleForNode } from '../../../test/support/bundle.ts';
import { engineNamed } from '../engines/all-engines.ts';
import { Dataset, WrongResult } from '../workloads/dataset.ts';
import { fillStore } from '../workloads/fill.ts';
import { SMALL_SETTINGS } from '../workloads/small-settings.test-support.ts';
import { BenchThread } from './bench-thread.ts';
import { runHandOver } from './hand-over-run.ts';
import { runThreadIngest } from './ingest-run.ts';
import type { HandOverCase, ReadJob } from './jobs.ts';
import { runThreadReads } from './read-run.ts';
import { Reader } from './reader.ts';
import { shapeOf, type ThreadsRequest, withSharedStore } from './shared-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-threads-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let stores = 0;
let program = '';
beforeAll(async () => {
  program = await bundleForNode(new URL('thread.ts', import.meta.url));
});

function requestOf(engine: string): ThreadsRequest {
  return { engine, settings: SMALL_SETTINGS, seed: 5, location: join(folder, `store-${stores++}`) };
}

/** Peers whose package the bundle of a thread finds. */
const ENGINES = ['arena', 'arena-inline', 'classic-level'];

describe.each(ENGINES)('threads on %s', (engine) => {
  test.for([0, 1, 3])('lines are ingested by %d of them', async (producers, { skip }) => {
    const loaded = await engineNamed(engine).load();
    if (typeof loaded === 'string') skip(loaded);
    const found = await runThreadIngest({ ...requestOf(engine), producers, batchRecords: 30 }, program);
    expect(found).toMatchObject({ engine, producers, records: 1000, checked: 1000 });
    expect(found.settledMs).toBeGreaterThan(found.elapsedMs);
    expect(found.processCpuMs).toBeGreaterThan(0);
  });

  test.for([0, 1, 2])('%d of them read while the owner writes', async (readers, { skip }) => {
    const loaded = await engineNamed(engine).load();
    if (typeof loaded === 'string') skip(loaded);
    const request = { ...requestOf(engine), readers, batchRecords: 10, durationMs: 100 };
    const { checked, stages } = await runThreadReads(request, program);
    const isRead = readers > 0;
    expect(stages.map(({ name }) => name)).toEqual([
      'idle',
      'paced',
      ...(isRead ? ['crowded'] : []),
      'flat-out',
    ]);
    const [idle, paced] = stages;
    const crowded = isRead ? stages[2] : undefined;
    const flatOut = stages.at(-1);
    if (isRead) expect(crowded!.writesPerSecond).toBeGreaterThan(0);
    expect(idle!.readsPerSecond).toBeGreaterThan(0);
    expect(idle!.writesPerSecond).toBeUndefined();
    expect(paced!.readsPerSecond).toBeGreaterThan(0);
    expect(paced!.writesPerSecond).toBeLessThanOrEqual(SMALL_SETTINGS.writeRate);
    expect(paced!.writesPerSecond).toBeGreaterThan(0);
    expect(flatOut!.readsPerSecond !== undefined).toBe(isRead);
    expect(flatOut!.writesPerSecond).toBeGreaterThan(0);
    expect(flatOut!.ownerCpuUs).toBeGreaterThan(0);
    for (const stage of stages) {
      if (stage.readsPerSecond === undefined) expect(stage.checked).toBe(0);
      else expect(stage.checked).toBeGreaterThanOrEqual(4 * Math.max(1, readers));
    }
    expect(checked).toBe(1000);
  });
});

describe('hand-overs', () => {
  test('are measured by transport, size and number on their way, and all have arrived', async () => {
    const cases = [1, 16].flatMap((inFlight) =>
      (['ring', 'message', 'packed'] as const).map((transport): HandOverCase => {
        return { transport, entries: 10, inFlight };
      }),
    );
    const { costs } = await runHandOver({ ...requestOf('arena'), cases, caseMs: 50 }, program);
    expect(costs.map(({ entries, inFlight, transport }) => ({ transport, entries, inFlight }))).toEqual(
      cases,
    );
    for (const { batches, callUs, checked, cpuUs } of costs) {
      expect(batches).toBeGreaterThan(0);
      expect(callUs).toBeGreaterThan(0);
      expect(cpuUs).toBeGreaterThan(0);
      expect(checked).toBe(10);
    }
  });
});

describe('what goes wrong', () => {
  const job = (records: number): ReadJob => ({
    kind: 'read',
    shape: shapeOf(SMALL_SETTINGS),
    records,
    seed: 1,
    stop: new SharedArrayBuffer(4),
  });

  test('a thread that finds a record missing ends its run', async () => {
    const reading = withSharedStore(requestOf('arena'), program, (owner) =>
      BenchThread.start<'read'>(owner, job(10)),
    );
    await expect(reading).rejects.toThrow('was not found');
  });

  test('a value that is not what was written ends its run', async () => {
    const getSync = (): Uint8Array => new Uint8Array(SMALL_SETTINGS.valueBytes);
    await expect(new Reader({ getSync }, job(10)).run()).rejects.toThrow(WrongResult);
  });

  test('a thread on an engine that cannot share ends its run', async () => {
    const reading = withSharedStore(requestOf('arena'), program, (owner) =>
      BenchThread.start<'read'>({ ...owner, engine: 'memory-level' }, job(10)),
    );
    await expect(reading).rejects.toThrow('threads cannot share a store of memory-level');
  });

  test('threads that are left when a run fails are terminated', async () => {
    const exited: Promise<unknown>[] = [];
    const failing = withSharedStore(requestOf('arena'), program, async (owner) => {
      await fillStore({ data: new Dataset(shapeOf(SMALL_SETTINGS)), store: owner.store }, 10);
      await BenchThread.start<'read'>(owner, job(10));
      for (const worker of owner.workers) exited.push(once(worker, 'exit'));
      throw new Error('this run has failed');
    });
    await expect(failing).rejects.toThrow('this run has failed');
    expect(exited).toHaveLength(1);
    await Promise.all(exited);
  });
});
