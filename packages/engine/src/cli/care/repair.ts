/** `arena-level repair`: makes a store open again. */
import type { FileProblem, RepairReport } from '../../public/public-types.ts';
import { DIRECTORY, readArguments } from '../arguments.ts';
import { type CliIo, type Command, command, ExitCode } from '../command.ts';
import { counted, formatCount } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';
import { storeError } from '../store-access.ts';

const HELP = `Usage: arena-level repair DIR [options]

Makes a store open again, with all that can be read of it: rebuilds a manifest that is missing or damaged, tables of
which parts are damaged, and journals. Deletes nothing: what is of no use is moved to DIR/lost. Ask 'arena-level doctor'
first. Ctrl-C does not stop it; a second one ends it at once, and then it has to be repeated.

  DIR                       directory of the store; nobody else may have it open
  --json                    print what was found and done as JSON

Examples:
  arena-level repair ./cities
  arena-level repair ./cities --json
`;

interface RepairCommandOptions {
  readonly location: string;
  readonly json: boolean;
}

function parse(args: readonly string[]): RepairCommandOptions {
  const { values, positionals } = readArguments(
    args,
    { json: { type: 'boolean', default: false } } as const,
    [DIRECTORY],
  );
  return { location: positionals[0]!, json: values.json };
}

export const repairCommand: Command = command<RepairCommandOptions>({
  name: 'repair',
  summary: 'make a damaged store open again, with all that can be read',
  help: HELP,
  parse,
  async run({ location, json }, io) {
    const report = await repairStore(location, io);
    io.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : repairText(report));
    return ExitCode.Ok;
  },
});

async function repairStore(location: string, io: CliIo): Promise<RepairReport> {
  const { repair } = await import('../../db/repair-store.ts');
  const line = ProgressLine.on(io);
  try {
    return await repair(location, {
      onProgress: ({ bytesDone, bytesTotal }) => line.updateBytes(bytesDone, bytesTotal, 'read'),
    });
  } catch (error) {
    throw storeError(location, error);
  } finally {
    line.clear();
  }
}

export function repairText(report: RepairReport): string {
  const { kept, renamed, rewritten, unreadable, missing, journals, lost, damage } = report;
  const tables = kept.length + renamed.length + rewritten.length;
  const lines = [
    `The store opens again, with ${counted(report.entries, 'entry', 'entries')} up to sequence number ${formatCount(report.lastSequence)}.`,
    report.levelsKept
      ? 'Its manifest could be trusted: tables keep their levels.'
      : 'No manifest could be trusted: all tables are in level 0 now, ordered by their age.',
  ];
  if (!report.ageIsCertain)
    lines.push('Tables contradict each other about their age: LevelDB may find an older value of some keys.');
  lines.push(
    `Tables: ${counted(tables, 'table')} of before (${formatCount(kept.length)} kept, ${formatCount(renamed.length)} ` +
      `renamed, ${formatCount(rewritten.length)} rewritten), ${formatCount(unreadable.length)} unreadable, ${formatCount(missing.length)} missing.`,
  );
  for (const { from, to } of renamed) lines.push(`  ${from} is ${to} now`);
  for (const { from, to, entries } of rewritten)
    lines.push(`  ${from}: ${counted(entries, 'entry', 'entries')} of it are in ${to}`);
  for (const name of unreadable) lines.push(`  ${name}: nothing can be read of it`);
  for (const name of missing) lines.push(`  ${name}: the manifest lists it, and it is missing`);
  for (const { file, entries } of journals)
    lines.push(`Journal ${file}: ${counted(entries, 'write')} in tables now.`);
  if (lost.length > 0) lines.push(`Moved to lost/: ${lost.join(', ')}.`);
  lines.push(damage.length === 0 ? 'No damage was found.' : `Damage (${formatCount(damage.length)}):`);
  for (const problem of damage) lines.push(`  ${problemText(problem)}`);
  return `${lines.join('\n')}\n`;
}

/** A reason that comes from an error names the file and the place itself. */
function problemText({ file, offset, reason }: FileProblem): string {
  if (reason.startsWith(file)) return reason;
  return `${file}${offset === undefined ? '' : ` at offset ${offset}`}: ${reason}`;
}
