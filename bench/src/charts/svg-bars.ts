/** Horizontal bars in groups, with their values and the range of the repetitions. Pure. */
import type { Bar, BarChart } from './chart.ts';
import { linearTicks, shortNumber } from './scale.ts';
import { element, picture, text } from './svg.ts';

const WIDTH = 820;
const LABELS = 130;
const VALUES = 96;
const BAR = 15;
const BAR_STEP = 19;
const HEADING = 24;
const GROUP_GAP = 10;
const TOP = 56;
const BOTTOM = 30;
const TICKS = 5;

type Group = BarChart['groups'][number];

export function barChartSvg(chart: BarChart): string {
  const height =
    TOP +
    BOTTOM +
    chart.groups.reduce((sum, { bars }) => sum + HEADING + bars.length * BAR_STEP + GROUP_GAP, 0);
  const parts = [
    text(16, 26, chart.title, { 'font-size': 16, 'font-weight': 600 }),
    text(16, 44, `${chart.unit}, ${chart.better} is better; the line is the range of the repetitions`, {
      class: 'dim',
    }),
  ];
  let y = TOP;
  for (const group of chart.groups) {
    parts.push(groupSvg(group, y));
    y += HEADING + group.bars.length * BAR_STEP + GROUP_GAP;
  }
  return picture(WIDTH, height, chart.title, parts.join(''));
}

/** Each group has a scale of its own: workloads differ by orders of magnitude, and are not compared with each other. */
function groupSvg({ bars, name }: Group, top: number): string {
  const max = Math.max(...bars.map(({ high }) => high));
  const ticks = linearTicks(max, TICKS);
  const width = WIDTH - LABELS - VALUES;
  const xOf = (value: number): number => LABELS + (width * value) / ticks.at(-1)!;
  const barsTop = top + HEADING;
  const bottom = barsTop + bars.length * BAR_STEP - (BAR_STEP - BAR);
  const grid = ticks.map((tick) =>
    element('line', { class: 'grid', x1: xOf(tick), x2: xOf(tick), y1: barsTop - 3, y2: bottom + 3 }),
  );
  const best = bars.length > 0 ? text(16, top + 14, name, { 'font-weight': 600 }) : '';
  return best + grid.join('') + bars.map((bar, at) => barSvg(bar, barsTop + at * BAR_STEP, xOf)).join('');
}

function barSvg({ color, high, low, name, value }: Bar, y: number, xOf: (value: number) => number): string {
  const middle = y + BAR / 2;
  const parts = [
    text(LABELS - 8, middle + 4, name, { 'text-anchor': 'end' }),
    element('rect', {
      class: `c${color}`,
      x: LABELS,
      y,
      width: Math.max(1, xOf(value) - LABELS),
      height: BAR,
      rx: 2,
    }),
  ];
  if (high > low) {
    parts.push(
      element('line', {
        class: 'range',
        x1: xOf(low),
        x2: xOf(high),
        y1: middle,
        y2: middle,
        'stroke-width': 1.5,
      }),
    );
  }
  parts.push(text(xOf(Math.max(value, high)) + 8, middle + 4, shortNumber(value)));
  return parts.join('');
}
