/** The pictures of a report as SVG files. Pure. */
import type { BenchReport } from '../report/bench-report.ts';
import type { Chart } from './chart.ts';
import { sectionsOf } from './sections.ts';
import { barChartSvg } from './svg-bars.ts';
import { lineChartSvg } from './svg-lines.ts';

export interface Picture {
  /** `flush-02-throughput.svg`: command, place in the report, title. */
  readonly file: string;
  readonly svg: string;
}

export function picturesOf(report: BenchReport): Picture[] {
  const charts = sectionsOf(report).flatMap((section) => section.charts);
  return charts.map((chart, at) => ({
    file: `${report.command}-${String(at + 1).padStart(2, '0')}-${slug(chart.title)}.svg`,
    svg: chartSvg(chart),
  }));
}

export function chartSvg(chart: Chart): string {
  return chart.kind === 'bar' ? barChartSvg(chart) : lineChartSvg(chart);
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 48);
}
