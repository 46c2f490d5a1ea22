import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { picturesOf } from '../charts/pictures.ts';
import type { EngineChoice } from '../engines/all-engines.ts';
import { type BenchReport, REPORT_FORMAT, REPORT_VERSION, type ReportHead } from '../report/bench-report.ts';
import { htmlReport } from '../report/html.ts';
import type { Arguments } from './arguments.ts';
import type { EngineInfo, Session } from './session.ts';

const DEFAULT_OUT: string = fileURLToPath(new URL('../../reports/', import.meta.url));

export function reportHead(
  { machine }: Session,
  { repeat, seed, settings }: Arguments,
  engines: readonly EngineInfo[],
  missing: EngineChoice['missing'],
): ReportHead {
  return {
    format: REPORT_FORMAT,
    version: REPORT_VERSION,
    machine,
    settings,
    seed,
    repeat,
    engines,
    missing,
  };
}

/** Writes the report as JSON, as a page and as pictures into the folder for reports, and says where. */
export function writeReports(
  session: Pick<Session, 'print'>,
  out: string | undefined,
  report: BenchReport,
): void {
  const folder = out ?? DEFAULT_OUT;
  mkdirSync(folder, { recursive: true });
  const figures = join(folder, `${report.command}.json`);
  writeFileSync(figures, `${JSON.stringify(report)}\n`);
  session.print(`figures   ${relative('', figures)}`);
  writePage(session, join(folder, `${report.command}.html`), [report]);
  const pictures = writePictures(folder, [report]);
  session.print(`pictures  ${relative('', join(folder, `${report.command}-*.svg`))}, ${pictures} of them`);
}

export function writePage(
  session: Pick<Session, 'print'>,
  path: string,
  reports: readonly BenchReport[],
): void {
  writeFileSync(path, htmlReport(reports));
  session.print(`report    ${relative('', path)}`);
}

/** Those of an earlier report of the same command go: they might show something else under a number of now. */
export function writePictures(folder: string, reports: readonly BenchReport[]): number {
  const commands = reports.map(({ command }) => command).join('|');
  const earlier = new RegExp(`^(${commands})-\\d\\d-[a-z0-9-]+\\.svg$`);
  for (const name of readdirSync(folder)) if (earlier.test(name)) rmSync(join(folder, name));
  const pictures = reports.flatMap(picturesOf);
  for (const { file, svg } of pictures) writeFileSync(join(folder, file), svg);
  return pictures.length;
}
