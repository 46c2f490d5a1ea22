/** `pnpm bench report`: pages and pictures from figures that were measured before. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readReport } from '../report/read-report.ts';
import { OptionError } from './arguments.ts';
import type { Command } from './command.ts';
import { writePage, writePictures } from './reports.ts';

export const reportCommand: Command = {
  name: 'report',
  about: 'one page and its pictures from the figures of one or more commands',
  help: `Usage: pnpm bench report FIGURES.json ... --out DIR

Writes report.html, with all figures on one page, and the pictures as SVG into DIR.

Example:
  pnpm bench report bench/reports/flush.json bench/reports/run.json --out /tmp/pictures
`,
  options: ['out'],
  prepare({ positionals, values }) {
    if (positionals.length === 0) throw new OptionError('report needs the figures of at least one command');
    const { out } = values;
    if (out === undefined) throw new OptionError('report needs --out: the folder for page and pictures');
    const reports = positionals.map(readReport);
    return {
      async run(output) {
        mkdirSync(out, { recursive: true });
        writePage(output, join(out, 'report.html'), reports);
        writePictures(out, reports);
      },
    };
  },
};
