/** A report as one HTML file that needs nothing else: uPlot and the figures are in it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Chart, LineChart, Section } from '../charts/chart.ts';
import { MARK_SHADES, PALETTE } from '../charts/palette.ts';
import { sectionsOf } from '../charts/sections.ts';
import { escapeXml } from '../charts/svg.ts';
import { barChartSvg } from '../charts/svg-bars.ts';
import { configurationText } from '../cli/configuration-text.ts';
import { machineText } from '../support/machine.ts';
import type { BenchReport } from './bench-report.ts';

const TITLES: Readonly<Record<BenchReport['command'], string>> = {
  run: 'Workloads',
  guard: 'Guard',
  flush: 'Flush in a worker and on the main thread',
  server: 'Behind an HTTP server',
  scale: 'Cost as it grows',
  threads: 'Several threads on one store',
};

/** All reports on one page, in their order. */
export function htmlReport(reports: readonly BenchReport[]): string {
  const lines: LineChart[] = [];
  const bodies = reports.map((report) => reportHtml(report, lines));
  // `<` within a script element could end it.
  const data = JSON.stringify({ charts: lines, palette: PALETTE, marks: MARK_SHADES }).replaceAll(
    '<',
    '\\u003c',
  );
  const title = `arena-level: ${reports.map(({ command }) => TITLES[command]).join(', ')}`;
  return [
    '<!doctype html>',
    `<html lang="en" data-charts="${lines.length}">`,
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeXml(title)}</title>`,
    '<link rel="icon" href="data:,">',
    `<style>${packageFile('uplot/dist/uPlot.min.css')}\n${asset('report.css')}</style></head>`,
    `<body>${bodies.join('\n')}`,
    `<script type="application/json" id="charts">${data}</script>`,
    `<script>${packageFile('uplot/dist/uPlot.iife.min.js')}</script>`,
    `<script>${asset('report-client.js')}</script>`,
    '</body></html>\n',
  ].join('\n');
}

function reportHtml(report: BenchReport, lines: LineChart[]): string {
  const sections = sectionsOf(report);
  const idOf = (section: number): string => `${report.command}-${section}`;
  const links = sections.map(({ title }, at) => `<a href="#${idOf(at)}">${escapeXml(title)}</a>`);
  return [
    `<h1>${TITLES[report.command]}</h1>`,
    `<p>${escapeXml(machineText(report.machine))}, ${escapeXml(report.machine.time.slice(0, 10))}; ` +
      `${report.repeat} ${report.repeat === 1 ? 'repetition' : 'repetitions'}, seed ${report.seed}</p>`,
    `<nav>${links.join('')}</nav>`,
    ...sections.map((section, at) => sectionHtml(section, idOf(at), lines)),
    `<h2>Engines</h2>${engineTable(report)}`,
  ].join('\n');
}

function sectionHtml({ charts, table, text, title }: Section, id: string, lines: LineChart[]): string {
  return [
    `<h2 id="${id}">${escapeXml(title)}</h2>`,
    `<p>${escapeXml(text)}</p>`,
    ...(table === undefined ? [] : [tableHtml(table.header, table.rows)]),
    ...charts.map((chart) => chartHtml(chart, lines)),
  ].join('\n');
}

/** Bars are drawn already; lines are left to the script. */
function chartHtml(chart: Chart, lines: LineChart[]): string {
  if (chart.kind === 'bar') return `<figure>${barChartSvg(chart)}</figure>`;
  const caption = `<figcaption>${escapeXml(chart.title)}</figcaption>`;
  return `<div class="chart">${caption}${marksKey(chart)}<div data-chart="${lines.push(chart) - 1}"></div></div>`;
}

function marksKey({ marks = [] }: LineChart): string {
  const kinds = (['flush', 'compaction', 'rotation', 'stall'] as const).filter((kind) =>
    marks.some((mark) => mark.kind === kind),
  );
  const words = { flush: 'flush', compaction: 'compaction', rotation: 'rotation', stall: 'writers held up' };
  const keys = kinds.map(
    (kind) =>
      `<span class="key"><i style="background:light-dark(${MARK_SHADES[kind].light},${MARK_SHADES[kind].dark})"></i>${words[kind]}</span>`,
  );
  return keys.length === 0 ? '' : `<div class="lanes">${keys.join('')}</div>`;
}

function engineTable({ engines, missing }: BenchReport): string {
  return tableHtml(
    ['engine', 'version', 'what it is', 'what it was told'],
    [
      ...engines.map(({ configuration, name, note, version }) => [
        name,
        version,
        note,
        configurationText(configuration),
      ]),
      ...missing.map(({ name, why }) => [name, '', `left out: ${why}`, '']),
    ],
  );
}

function tableHtml(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (tag: 'td' | 'th', cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join('')}</tr>`;
  const body = [row('th', header), ...rows.map((cells) => row('td', cells))];
  return `<div class="scroll"><table>${body.join('')}</table></div>`;
}

function asset(name: string): string {
  return readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8');
}

function packageFile(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(name), 'utf8');
}
