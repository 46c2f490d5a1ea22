import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineChoice } from '../engines/all-engines.ts';
import { type BenchReport, REPORT_FORMAT, REPORT_VERSION, type ReportHead } from '../report/bench-report.ts';
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

/** Writes the report as JSON into the folder for reports, and says where. */
export async function writeReports(
  session: Session,
  { out }: Pick<Arguments, 'out'>,
  report: BenchReport,
): Promise<void> {
  const folder = out ?? DEFAULT_OUT;
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${report.command}.json`);
  writeFileSync(path, `${JSON.stringify(report)}\n`);
  session.print(`figures  ${relative('', path)}`);
}
