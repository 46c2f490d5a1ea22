/**
 * Delay of the event loop while batches of 100 arrive at a fixed rate: half of what the store takes when nothing waits.
 *
 * Arrivals do not wait for answers, as requests from outside do not: what came due while the loop was held is handed
 * over as soon as it turns. Idle is the same loop without a store.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from 'arena-level/engine';
import { check, type Report } from '../measure.ts';
import { type LoopDelay, LoopDelayMonitor } from '../support/loop-delay.ts';
import { spread } from '../support/statistics.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import { WorkFolder } from '../support/work-folder.ts';
import { makeEntries } from './entries.ts';
import { batchesOf, type PutOperation } from './peer.ts';

const BATCH = 100;
const ENTRIES = 200_000;
const RUN_MS = 5000;
/** A store that is behind by so many batches gets no more: what is measured then is all it can take. */
const MAX_WAITING = 1000;

const MODES = ['idle', 'worker', 'inline'] as const;
type Mode = (typeof MODES)[number];
type Batches = readonly (readonly PutOperation[])[];

interface Run extends LoopDelay {
  readonly entriesPerSecond: number;
  readonly rotations: number;
}

export const eventLoopReport: Report = {
  name: 'Event loop delay while batches of 100 arrive at half of the burst rate',
  async run({ repetitions }) {
    const batches = [...batchesOf(makeEntries('random', ENTRIES), BATCH)];
    const burst = await burstRate(batches);
    const rate = burst / 2;
    const runs: Record<Mode, Run[]> = { idle: [], worker: [], inline: [] };
    for (let round = 0; round < repetitions; round++) {
      for (const mode of MODES) runs[mode].push(await runOf(mode, batches, rate));
    }
    const rows = MODES.map((mode) => rowOf(mode, runs[mode]));
    const header = ['', 'entries/s', 'rotations', 'p50 over idle', 'p99 over idle', 'longest'];
    const title = `${this.name}: ${count(rate)} entries/s, ${RUN_MS / 1000} s`;
    return { text: `${title}\n${textTable(header, rows)}`, figures: { burst, rate, runs } };
  },
};

function rowOf(mode: Mode, runs: readonly Run[]): string[] {
  const medianOf = (figure: (run: Run) => number): number => spread(runs.map(figure)).median;
  return [
    `  ${mode === 'idle' ? 'no store' : `${mode} flush`}`,
    count(medianOf((run) => run.entriesPerSecond)),
    count(medianOf((run) => run.rotations)),
    `${decimal(medianOf((run) => run.p50Ms))} ms`,
    `${decimal(medianOf((run) => run.p99Ms))} ms`,
    `${decimal(spread(runs.map((run) => run.maxMs)).max)} ms`,
  ];
}

/** Entries per second until all are acknowledged, one awaited batch after the other, with worker flush. */
async function burstRate(batches: Batches): Promise<number> {
  const folder = new WorkFolder();
  let rate = 0;
  // The first one compiles.
  for (let round = 0; round < 3; round++) {
    const store = await open(folder.newStore());
    const start = performance.now();
    for (const batch of batches) await store.batch(batch);
    rate = (batches.length * BATCH * 1000) / (performance.now() - start);
    await store.close();
  }
  folder.remove();
  return rate;
}

async function runOf(mode: Mode, batches: Batches, rate: number): Promise<Run> {
  if (mode === 'idle')
    return arrive(
      batches,
      rate,
      async () => undefined,
      () => 0,
    );
  const folder = new WorkFolder();
  const store = await open(folder.newStore(), { flush: mode });
  const run = await arrive(
    batches,
    rate,
    (batch) => store.batch(batch),
    () => store.stats().rotations.count,
  );
  check(run.rotations > 0, 'MemDBs were rotated meanwhile');
  await store.close();
  folder.remove();
  return run;
}

async function arrive(
  batches: Batches,
  rate: number,
  write: (batch: Batches[number]) => Promise<void>,
  rotations: () => number,
): Promise<Run> {
  const monitor = await LoopDelayMonitor.start();
  const pending = new Set<Promise<void>>();
  const start = performance.now();
  let arrived = 0;
  for (let elapsedMs = 0; elapsedMs < RUN_MS; elapsedMs = performance.now() - start) {
    const due = Math.floor((elapsedMs * rate) / 1000 / BATCH);
    for (; arrived < due && pending.size < MAX_WAITING; arrived++) {
      const written: Promise<void> = write(batches[arrived % batches.length]!).finally(() =>
        pending.delete(written),
      );
      pending.add(written);
    }
    await sleep(1);
  }
  await Promise.all(pending);
  const delay = await monitor.stop();
  const seconds = (performance.now() - start) / 1000;
  return { ...delay, entriesPerSecond: (arrived * BATCH) / seconds, rotations: rotations() };
}
