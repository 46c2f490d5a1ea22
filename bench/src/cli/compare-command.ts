/** `pnpm bench compare`: what got faster or slower. */
import { compare, comparisonTable, differences, LEAST_REPETITIONS, measuredOf } from '../report/compare.ts';
import { readReport } from '../report/read-report.ts';
import { machineText } from '../support/machine.ts';
import { OptionError } from './arguments.ts';
import type { Command } from './command.ts';

export const compareCommand: Command = {
  name: 'compare',
  about: 'what got faster or slower between two sets of figures, beyond noise',
  help: `Usage: pnpm bench compare BEFORE.json AFTER.json

A figure is better or worse when the ranges of its repetitions do not touch and its median differs by 5 % or more;
otherwise, and with less than ${LEAST_REPETITIONS} repetitions, it is noise. Figures of a shared machine differ between two days by more than a change of the program makes
them differ: where they may, compare ratios to a peer of the same run, as \`pnpm bench guard\` does.

Example:
  pnpm bench fillrandom --out /tmp/before; git switch faster; pnpm bench fillrandom --out /tmp/after
  pnpm bench compare /tmp/before/run.json /tmp/after/run.json
`,
  options: [],
  prepare({ positionals }) {
    if (positionals.length !== 2) throw new OptionError('compare needs two files: before and after');
    const [before, after] = positionals.map(readReport);
    if (before!.command !== after!.command) {
      throw new OptionError(
        `the figures of ${before!.command} and of ${after!.command} are of different things`,
      );
    }
    return {
      async run(output) {
        output.print(`before  ${machineText(before!.machine)}\nafter   ${machineText(after!.machine)}`);
        if (before!.machine.cpu !== after!.machine.cpu || before!.machine.cores !== after!.machine.cores) {
          output.print('These are two machines: the ratios say as much about them as about the program.');
        }
        const unlike = differences(before!, after!);
        if (unlike.length > 0) output.print(`They were not asked alike: ${unlike.join('; ')}.`);
        const least = Math.min(before!.repeat, after!.repeat);
        if (least < LEAST_REPETITIONS) {
          output.print(
            `With less than ${LEAST_REPETITIONS} repetitions nobody can tell a change from noise.`,
          );
        }
        const comparisons = compare(measuredOf(before!), measuredOf(after!));
        if (comparisons.length === 0) throw new OptionError('the two have no figure in common');
        output.print(`\n${comparisonTable(comparisons)}`);
      },
    };
  },
};
