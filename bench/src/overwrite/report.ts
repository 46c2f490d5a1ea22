/** The figures of the engines side by side. Pure. */
import { spread } from '../support/statistics.ts';
import { count, decimal, textTable } from '../support/text-table.ts';
import { ENGINE_NAMES } from './engines.ts';
import type { OverwriteResult } from './run.ts';

interface Figure {
  readonly name: string;
  readonly of: (run: OverwriteResult) => number | undefined;
  readonly format?: (value: number) => string;
}

const MB = 1e6;

const FIGURES: readonly Figure[] = [
  {
    name: 'records/s until acknowledged',
    of: (run) => (run.overwrites * 1000) / run.acknowledgedMs,
    format: count,
  },
  { name: 'records/s until settled', of: (run) => (run.overwrites * 1000) / run.settledMs, format: count },
  { name: 'main-thread CPU per record, us', of: (run) => (run.mainCpuMs * 1000) / run.overwrites },
  { name: 'event loop delay over idle, p50, ms', of: (run) => run.loopDelay.p50Ms },
  { name: 'event loop delay over idle, p99, ms', of: (run) => run.loopDelay.p99Ms },
  { name: 'event loop delay over idle, max, ms', of: (run) => run.loopDelay.maxMs },
  {
    name: 'writers held up, ms',
    of: (run) => run.stalls && Object.values(run.stalls).reduce((sum, ms) => sum + ms, 0),
    format: count,
  },
  { name: 'write amplification', of: (run) => run.writeAmplification },
  { name: 'disk, MB', of: (run) => run.diskBytes / MB, format: count },
];

/** Medians of the runs of each engine; the fastest and slowest settled rate beside them. */
export function overwriteTable(runs: readonly OverwriteResult[]): string {
  const engines = ENGINE_NAMES.filter((name) => runs.some(({ engine }) => engine === name));
  const rows = FIGURES.map(({ name, of, format = decimal }) => [
    name,
    ...engines.map((engine) => {
      const values = runs.filter((run) => run.engine === engine).map(of);
      const known = values.filter((value) => value !== undefined);
      return known.length === 0 ? '' : format(spread(known).median);
    }),
  ]);
  const range = engines.map((engine) => {
    const rates = runs
      .filter((run) => run.engine === engine)
      .map((run) => (run.overwrites * 1000) / run.settledMs);
    const { min, max } = spread(rates);
    return `${count(min)}-${count(max)}`;
  });
  return textTable(['', ...engines], [...rows, ['range of the settled rates', ...range]]);
}
