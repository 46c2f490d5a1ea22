import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { build, type CommandResult, ROOT, run } from './packed-workspace.ts';

vi.setConfig({ testTimeout: LONG_TEST_MS, hookTimeout: LONG_TEST_MS });

const folder = mkdtempSync(join(tmpdir(), 'arena-level-main-job-'));
beforeAll(build);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function mainJob(...options: string[]): Promise<CommandResult> {
  return run(process.execPath, [join(ROOT, 'bench/dist/ingest-cities.js'), ...options], folder);
}

describe('the main job', () => {
  test('ingests inline and in a worker, compares them, and checks both stores', async () => {
    const stores = join(folder, 'stores');
    const json = join(folder, 'result.json');
    const line = `--records 20000 --write-buffer 1 --samples 500 --repeat 1 --dir ${stores} --json ${json}`;
    const { code, stdout } = await mainJob(...line.split(' '));
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/records\/s until all is in tables +[\d,]+ +[\d,]+ +[\d.]+/);
    for (const mode of ['inline', 'worker'])
      expect(stdout).toMatch(new RegExp(`^${mode}: MasterRoot [0-9a-f]{64}$`, 'm'));
    expect(stdout.match(/same MasterRoot; 500 records checked, all equal/g)).toHaveLength(2);
    expect(readdirSync(stores), 'the stores are removed').toEqual([]);

    const { machine, runs } = JSON.parse(readFileSync(json, 'utf8'));
    expect(machine).toMatchObject({ node: process.versions.node, cores: expect.any(Number) });
    expect(runs.map((one: { result: { mode: string } }) => one.result.mode)).toEqual(['inline', 'worker']);
    for (const { result, check } of runs) {
      expect(result).toMatchObject({ records: 20_000, sequence: 20_000 });
      expect(result.flushes.count).toBeGreaterThanOrEqual(2);
      expect(result.tables).toBe(result.flushes.count);
      expect(check).toMatchObject({ sampled: 500, differences: [] });
    }
  });

  test('explains itself, and refuses options that make no sense, without running', async () => {
    expect(await mainJob('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Usage: pnpm start'),
    });
    expect(await mainJob('--records', 'many')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("not 'many'"),
    });
  });
});
