import { readFileSync } from 'node:fs';
import { OptionError } from '../cli/arguments.ts';
import { type BenchReport, REPORT_FORMAT, REPORT_VERSION } from './bench-report.ts';

/** Throws OptionError for a file that is not a report of this benchmark. */
export function readReport(path: string): BenchReport {
  let report: Partial<BenchReport> | null;
  try {
    report = JSON.parse(readFileSync(path, 'utf8')) as Partial<BenchReport> | null;
  } catch (error) {
    throw new OptionError(`cannot read '${path}': ${error instanceof Error ? error.message : String(error)}`);
  }
  if (report === null || typeof report !== 'object' || report.format !== REPORT_FORMAT) {
    throw new OptionError(`'${path}' is not a report of this benchmark`);
  }
  if (report.version !== REPORT_VERSION) {
    throw new OptionError(
      `'${path}' is a report of version ${String(report.version)}; this program reads version ${REPORT_VERSION}`,
    );
  }
  return report as BenchReport;
}
