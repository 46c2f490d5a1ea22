import { Prng } from '@arena-level/common/base/prng';
import { expect, test } from 'vitest';
import { Meter } from '../driver/meter.ts';
import type { BenchStore } from '../engines/engine.ts';
import { Dataset } from './dataset.ts';
import { SMALL_SETTINGS } from './small-settings.test-support.ts';
import type { WorkloadContext } from './workload.ts';
import { writeBeside } from './write-beside.ts';

function contextOf(batch: BenchStore['batch']): WorkloadContext {
  return {
    store: { batch } as unknown as BenchStore,
    settings: { ...SMALL_SETTINGS, writeRate: 10_000_000 },
    records: 1000,
    reads: 1000,
    mode: { kind: 'sync' },
    data: new Dataset({ ...SMALL_SETTINGS, order: 'random' }),
    meter: new Meter(),
    prng: new Prng(1),
  };
}

test('all batches that are due are on their way, though none is answered', { timeout: 10_000 }, async () => {
  const answers: (() => void)[] = [];
  let enough = (): void => undefined;
  const waiting = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const beside = writeBeside(
    contextOf(
      () =>
        new Promise<void>((answered) => {
          if (answers.push(answered) === 64) enough();
        }),
    ),
  );
  await waiting;
  const stopped = beside.stop();
  for (const answer of answers) answer();
  expect(await stopped).toBe(100 * answers.length);
});

test('a write that fails fails the run', { timeout: 10_000 }, async () => {
  let failed = (): void => undefined;
  const failure = new Promise<void>((resolve) => {
    failed = resolve;
  });
  const beside = writeBeside(
    contextOf(async () => {
      failed();
      throw new Error('no space');
    }),
  );
  await failure;
  await expect(beside.stop()).rejects.toThrow('no space');
});
