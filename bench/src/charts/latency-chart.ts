import { type Latency, PERCENTILES } from '../driver/meter.ts';
import { spread } from '../support/statistics.ts';
import type { LineChart } from './chart.ts';

export interface LatencyCurve {
  readonly name: string;
  readonly color: number;
  readonly dashed?: boolean;
  /** Of the repetitions. */
  readonly latencies: readonly Latency[];
}

/** Percentiles on an axis on which each further nine is as wide as the one before; medians of the repetitions. Pure. */
export function latencyChart(title: string, curves: readonly LatencyCurve[]): LineChart {
  const x = PERCENTILES.map(ninesOf);
  return {
    kind: 'line',
    title,
    xLabel: 'percentile',
    yLabel: 'milliseconds',
    yLog: true,
    points: true,
    x,
    xTicks: PERCENTILES.filter((percentile) => ![75, 95, 99.5, 99.95].includes(percentile)).map(
      (percentile) => ({
        at: ninesOf(percentile),
        label: `${percentile} %`,
      }),
    ),
    series: curves.map(({ color, dashed, latencies, name }) => ({
      name,
      color,
      ...(dashed === true ? { dashed } : {}),
      y: PERCENTILES.map(
        (_, at) => spread(latencies.map(({ percentilesUs }) => percentilesUs[at]!)).median / 1000,
      ),
    })),
  };
}

/** 90 % is 1, 99 % is 2, 99.9 % is 3. */
function ninesOf(percentile: number): number {
  return -Math.log10(1 - percentile / 100);
}
