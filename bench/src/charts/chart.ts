/** Pictures as data: what the HTML report draws with uPlot, and what is drawn as SVG. */
import type { MarkKind } from '../engines/engine.ts';

export interface Series {
  readonly name: string;
  /** Of the palette: an engine has the same in all pictures. */
  readonly color: number;
  readonly dashed?: boolean;
  /** One per x of the chart; null where there is none. */
  readonly y: readonly (number | null)[];
}

/** A stretch on the x axis; a rotation is as good as a point. */
export interface ChartMark {
  readonly kind: MarkKind;
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

export interface LineChart {
  readonly kind: 'line';
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  readonly marks?: readonly ChartMark[];
  readonly yLog?: boolean;
  readonly xLog?: boolean;
  /** Words at x positions instead of numbers. */
  readonly xTicks?: readonly { readonly at: number; readonly label: string }[];
  /** Of the y axis, when several charts are to be compared by eye. */
  readonly yMax?: number;
  readonly points?: boolean;
}

export interface Bar {
  readonly name: string;
  readonly color: number;
  readonly value: number;
  /** The range of the repetitions. */
  readonly low: number;
  readonly high: number;
}

export interface BarChart {
  readonly kind: 'bar';
  readonly title: string;
  /** Of the values, and which of them are good. */
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly groups: readonly { readonly name: string; readonly bars: readonly Bar[] }[];
}

export type Chart = LineChart | BarChart;

/** Part of a report: pictures under a heading, with what is to be known about them. */
export interface Section {
  readonly title: string;
  readonly text: string;
  readonly charts: readonly Chart[];
  readonly table?: { readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] };
}
