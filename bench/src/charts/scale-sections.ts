import type { ScaleReport } from '../report/bench-report.ts';
import { groupBy, medianOf } from '../report/summaries.ts';
import type { ScalePoint } from '../scale/scale-point.ts';
import type { LineChart, Section } from './chart.ts';
import { colorOf } from './palette.ts';
import { shortNumber } from './scale.ts';

const MIB = 2 ** 20;

export function scaleSections({ points }: ScaleReport): Section[] {
  const sizes = [...new Set(points.map(({ records }) => records))].sort((a, b) => a - b);
  const chart = (
    title: string,
    yLabel: string,
    figure: (point: ScalePoint) => number | undefined,
  ): LineChart => ({
    kind: 'line',
    title,
    xLabel: 'records in the store',
    yLabel,
    xLog: true,
    points: true,
    x: sizes,
    xTicks: sizes.map((at) => ({ at, label: shortNumber(at) })),
    series: [...groupBy(points, ({ engine }) => engine)].map(([engine, own]) => ({
      name: engine,
      color: colorOf(engine),
      y: sizes.map(
        (size) =>
          medianOf(
            own.filter(({ records }) => records === size),
            figure,
          ) ?? null,
      ),
    })),
  });
  return [
    {
      title: 'Cost as the store grows',
      text: 'A fresh store of each size, keys in random order; read after it was closed and opened again.',
      charts: [
        chart('Filling, until settled', 'records per second', (one) => (one.records * 1000) / one.settledMs),
        chart('Reading', 'gets per second', (one) => one.readsPerSecond),
        chart('Write amplification', 'bytes written per byte', (one) => one.writeAmplification),
        chart('Memory while filling', 'MiB resident', (one) => one.fillRssBytes / MIB),
        chart('Opening', 'milliseconds', (one) => one.openMs),
      ],
    },
  ];
}
