import { describe, expect, test } from 'vitest';
import { allReports } from '../report/reports.test-support.ts';
import type { LineChart } from './chart.ts';
import { PALETTE } from './palette.ts';
import { chartSvg, picturesOf } from './pictures.ts';

/** Every element that is opened is closed, in order. */
function isWellFormed(xml: string): boolean {
  const open: string[] = [];
  for (const [, end, name, , self] of xml.matchAll(/<(\/?)([a-zA-Z]+)((?:\s[^<>]*?)?)(\/?)>/g)) {
    if (self === '/') continue;
    if (end === '') open.push(name!);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0;
}

describe('the pictures of a report', () => {
  const pictures = allReports().flatMap(picturesOf);

  test('have names of their own', () => {
    expect(pictures.length).toBeGreaterThan(20);
    expect(new Set(pictures.map(({ file }) => file)).size).toBe(pictures.length);
    expect(
      pictures.every(({ file }) => /^(run|flush|server|scale|threads)-\d\d-[a-z0-9-]+\.svg$/.test(file)),
    ).toBe(true);
  });

  test.each(pictures.map(({ file, svg }) => [file, svg]))(
    '%s is well-formed and without a gap in its numbers',
    (_, svg) => {
      expect(isWellFormed(svg)).toBe(true);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    },
  );
});

describe('a line', () => {
  const chart: LineChart = {
    kind: 'line',
    title: 'a < b & "c"',
    xLabel: 's',
    yLabel: 'n',
    x: [0, 1, 2, 3],
    series: [{ name: 'one', color: 0, y: [0, 10, null, 5] }],
    marks: [{ kind: 'stall', from: 1, to: 2, label: '' }],
  };

  test('breaks where there is no value, and reaches from edge to edge', () => {
    const path = /class="s0" d="([^"]*)"/.exec(chartSvg(chart))![1]!;
    expect(path).toBe('M84.0 274.0L317.3 66.0M784.0 170.0');
  });

  test('has its words escaped', () => {
    expect(chartSvg(chart)).toContain('a &#60; b &#38; &#34;c&#34;');
  });

  test('has the ground coloured while writers were held up', () => {
    expect(chartSvg(chart)).toMatch(/<rect class="m-stall" x="317.33" y="66" width="233.33"/);
  });
});

/** By the formula of WCAG 2. */
function contrast(one: string, other: string): number {
  const luminance = (color: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const [dim, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright! + 0.05) / (dim! + 0.05);
}

test.each(PALETTE.map((shade, at) => [at, shade] as const))(
  'colour %i stands out from both grounds',
  (_, { dark, light }) => {
    expect(contrast(light, '#ffffff')).toBeGreaterThan(3);
    expect(contrast(dark, '#0d1117')).toBeGreaterThan(3);
  },
);
