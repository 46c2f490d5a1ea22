import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ENGINES } from '../engines/all-engines.ts';
import type { Engine } from '../engines/engine.ts';
import { WORKLOADS, workloadNamed } from '../workloads/all-workloads.ts';
import { MIN_KEY_BYTES } from '../workloads/dataset.ts';
import { modeName, modesOf } from '../workloads/mode.ts';
import { SMALL_SETTINGS } from '../workloads/small-settings.test-support.ts';
import type { Settings } from '../workloads/workload.ts';
import { type RunResult, runWorkload } from './run.ts';

const SETTINGS: Settings = { ...SMALL_SETTINGS, records: 2000, reads: 500, keyBytes: MIN_KEY_BYTES + 4 };

const folder = mkdtempSync(join(tmpdir(), 'bench-workloads-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let stores = 0;

function runOn(engine: string, workload: string, mode: RunResult['mode']): Promise<RunResult> {
  const location = (): string => join(folder, `store-${stores++}`);
  const locations = { warmUpLocation: location(), location: location() };
  return runWorkload({ engine, workload, mode, settings: SETTINGS, seed: 3, ...locations });
}

const SHORT: readonly [string, RunResult['mode']][] = [
  ['fillrandom', { kind: 'batch', size: 100 }],
  ['deleterandom', { kind: 'in-flight', size: 64 }],
  ['readrandom', { kind: 'await' }],
  ['seekrandom', { kind: 'only' }],
  ['readreverse', { kind: 'only' }],
  ['ycsb-e', { kind: 'single' }],
];

/** Why an engine cannot take part here; undefined when it can. */
async function whyNot(engine: Engine, workload: string): Promise<string | undefined> {
  const loaded = await engine.load();
  if (typeof loaded === 'string') return loaded;
  return workloadNamed(workload).reopens === true ? engine.lacks?.disk : undefined;
}

describe.each(ENGINES.map((engine) => [engine.name, engine] as const))('the engine %s', (name, engine) => {
  test.for(SHORT)('does %s and is right', { timeout: 120_000 }, async ([workload, mode], { skip }) => {
    const why = await whyNot(engine, workload);
    if (why !== undefined) skip(why);
    const result = await runOn(name, workload, mode);
    expect(result.records).toBeGreaterThan(0);
    expect(result.checked).toBeGreaterThan(0);
    expect(result.latency.count).toBeGreaterThan(0);
    const isSettled = mode.kind === 'batch';
    expect(result.settledMs > result.elapsedMs).toBe(isSettled);
  });
});

const ON_ARENA = WORKLOADS.filter(({ name }) => name !== 'file').flatMap((workload) =>
  modesOf(workload.modes, [1000], ['sync']).map((mode) => [workload.name, modeName(mode), mode] as const),
);

describe('arena', () => {
  test('has the records that were written beside reads', { timeout: 120_000 }, async () => {
    const { besideRecords } = await runOn('arena', 'readwhilewriting', { kind: 'await' });
    expect(besideRecords).toBeGreaterThanOrEqual(0);
    expect((await runOn('arena', 'readrandom', { kind: 'await' })).besideRecords).toBeUndefined();
  });

  test('has the bytes of what it was given: of deletions, their keys', { timeout: 120_000 }, async () => {
    const { bytes, records } = await runOn('arena', 'deleterandom', { kind: 'batch', size: 100 });
    expect(bytes).toBe(records * SETTINGS.keyBytes);
  });

  test.each(ON_ARENA)('does %s %s', { timeout: 120_000 }, async (workload, _, mode) => {
    const result = await runOn('arena', workload, mode);
    expect(result.records).toBeGreaterThan(0);
    expect(result.checked).toBeGreaterThan(0);
    expect(result.timeline.records.reduce((sum, records) => sum + records, 0)).toBe(result.records);
  });
});
