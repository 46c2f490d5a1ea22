/** Which pictures a report has. Pure. */
import type { BenchReport } from '../report/bench-report.ts';
import type { Section } from './chart.ts';
import { flushSections } from './flush-sections.ts';
import { scaleSections } from './scale-sections.ts';
import { serverSections } from './server-sections.ts';
import { threadsSections } from './threads-sections.ts';
import { workloadSections } from './workload-sections.ts';

export function sectionsOf(report: BenchReport): Section[] {
  switch (report.command) {
    case 'run':
    case 'guard':
      return workloadSections(report);
    case 'flush':
      return flushSections(report);
    case 'server':
      return serverSections(report);
    case 'scale':
      return scaleSections(report);
    case 'threads':
      return threadsSections(report);
  }
}
