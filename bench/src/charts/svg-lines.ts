/** Lines over an axis, with what happened meanwhile in lanes below. Pure. */
import type { MarkKind } from '../engines/engine.ts';
import type { ChartMark, LineChart, Series } from './chart.ts';
import { linearTicks, logTicks, shortNumber } from './scale.ts';
import { element, picture, text } from './svg.ts';

const WIDTH = 820;
const HEIGHT = 320;
const LEFT = 84;
const RIGHT = 36;
const TOP = 66;
const BOTTOM = 46;
const LANE = 12;
const X_TICKS = 8;
const Y_TICKS = 5;
const LANES = ['flush', 'compaction'] as const;
const LANE_WORDS = { flush: 'flushes', compaction: 'compactions' } as const;
const MARK_WORDS = { rotation: 'rotation', stall: 'writers held up' } as const;

interface Frame {
  readonly xOf: (value: number) => number;
  readonly yOf: (value: number) => number;
  readonly xTicks: readonly { readonly at: number; readonly label: string }[];
  readonly yTicks: readonly number[];
  readonly bottom: number;
}

export function lineChartSvg(chart: LineChart): string {
  const lanes = LANES.filter((kind) => chart.marks?.some((mark) => mark.kind === kind));
  const height = HEIGHT + lanes.length * (LANE + 4);
  const frame = frameOf(chart);
  const content = [
    text(16, 26, chart.title, { 'font-size': 16, 'font-weight': 600 }),
    legendSvg(chart),
    stallsSvg(chart, frame),
    axesSvg(chart, frame),
    ...chart.series.map((series) => seriesSvg(chart, series, frame)),
    rotationsSvg(chart, frame),
    ...lanes.map((kind, lane) => laneSvg(chart, kind, frame, HEIGHT - 4 + lane * (LANE + 4))),
  ];
  return picture(WIDTH, height, chart.title, content.join(''));
}

function frameOf({ series, x, xLog = false, xTicks, yLog = false, yMax }: LineChart): Frame {
  const values = series.flatMap(
    ({ y }) => y.filter((value) => value !== null && (!yLog || value > 0)) as number[],
  );
  const highest = yMax ?? Math.max(...values, yLog ? 1e-3 : 0);
  const yTicks = yLog ? logTicks(Math.min(...values), highest) : linearTicks(highest, Y_TICKS);
  const bottom = HEIGHT - BOTTOM;
  const share = (value: number, from: number, to: number, isLog: boolean): number =>
    isLog
      ? (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from) || 1)
      : (value - from) / (to - from || 1);
  const first = xLog ? Math.min(...x) : Math.min(0, ...x);
  const last = Math.max(...x, first);
  return {
    xOf: (value) => LEFT + (WIDTH - LEFT - RIGHT) * share(value, first, last, xLog),
    yOf: (value) =>
      bottom -
      (bottom - TOP) * Math.max(0, share(Math.max(value, yTicks[0]!), yTicks[0]!, yTicks.at(-1)!, yLog)),
    xTicks:
      xTicks ??
      linearTicks(last, X_TICKS)
        .filter((tick) => tick <= last && tick >= first)
        .map((at) => ({ at, label: shortNumber(at) })),
    yTicks,
    bottom,
  };
}

function axesSvg({ xLabel, yLabel }: LineChart, { bottom, xOf, xTicks, yOf, yTicks }: Frame): string {
  const middle = (TOP + bottom) / 2;
  return [
    ...yTicks.map((tick) => {
      const y = yOf(tick);
      const line = element('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y });
      return line + text(LEFT - 8, y + 4, shortNumber(tick), { 'text-anchor': 'end', class: 'dim' });
    }),
    ...xTicks.map(({ at, label }) =>
      text(xOf(at), bottom + 16, label, { 'text-anchor': 'middle', class: 'dim' }),
    ),
    text((LEFT + WIDTH - RIGHT) / 2, bottom + 34, xLabel, { 'text-anchor': 'middle', class: 'dim' }),
    text(18, middle, yLabel, {
      'text-anchor': 'middle',
      class: 'dim',
      transform: `rotate(-90 18 ${middle})`,
    }),
  ].join('');
}

function seriesSvg(
  { points = false, x }: LineChart,
  { color, dashed = false, y }: Series,
  frame: Frame,
): string {
  let path = '';
  let isDown = false;
  const dots: string[] = [];
  for (const [at, value] of y.entries()) {
    if (value === null) {
      isDown = false;
      continue;
    }
    const [px, py] = [frame.xOf(x[at]!), frame.yOf(value)];
    path += `${isDown ? 'L' : 'M'}${px.toFixed(1)} ${py.toFixed(1)}`;
    isDown = true;
    if (points) dots.push(element('circle', { class: `c${color}`, cx: px, cy: py, r: 3 }));
  }
  const dash: Record<string, string> = dashed ? { 'stroke-dasharray': '5 4' } : {};
  return element('path', { class: `s${color}`, d: path, 'stroke-width': 2, ...dash }) + dots.join('');
}

function legendSvg({ marks = [], series }: LineChart): string {
  const entries = [
    ...series.map(({ color, name }) => ({ name, box: `c${color}` })),
    ...(['rotation', 'stall'] as const)
      .filter((kind) => marks.some((mark) => mark.kind === kind))
      .map((kind) => ({ name: MARK_WORDS[kind], box: `m-${kind}` })),
  ];
  let x = 16;
  const parts: string[] = [];
  for (const { box, name } of entries) {
    parts.push(element('rect', { class: box, x, y: 38, width: 12, height: 12, rx: 2 }));
    parts.push(text(x + 17, 48, name));
    x += 17 + 22 + name.length * 6.6;
  }
  return parts.join('');
}

function stallsSvg({ marks = [] }: LineChart, { bottom, xOf }: Frame): string {
  return ofKind(marks, 'stall')
    .map(({ from, to }) =>
      element('rect', {
        class: 'm-stall',
        x: xOf(from),
        y: TOP,
        width: Math.max(1, xOf(to) - xOf(from)),
        height: bottom - TOP,
        opacity: 0.16,
      }),
    )
    .join('');
}

function rotationsSvg({ marks = [] }: LineChart, { bottom, xOf }: Frame): string {
  return ofKind(marks, 'rotation')
    .map(({ from }) =>
      element('rect', { class: 'm-rotation', x: xOf(from) - 0.75, y: bottom - 10, width: 1.5, height: 10 }),
    )
    .join('');
}

function laneSvg({ marks = [] }: LineChart, kind: (typeof LANES)[number], { xOf }: Frame, y: number): string {
  const spans = ofKind(marks, kind).map(({ from, to }) =>
    element('rect', {
      class: `m-${kind}`,
      x: xOf(from),
      y,
      width: Math.max(1, xOf(to) - xOf(from)),
      height: LANE - 3,
    }),
  );
  return (
    text(LEFT - 8, y + 8, LANE_WORDS[kind], { 'text-anchor': 'end', class: 'dim', 'font-size': 11 }) +
    spans.join('')
  );
}

function ofKind(marks: readonly ChartMark[], kind: MarkKind): ChartMark[] {
  return marks.filter((mark) => mark.kind === kind);
}
