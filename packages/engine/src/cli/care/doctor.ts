/** `arena-level doctor`: what is wrong with a store, in words, and what to do about it. */
import type { Diagnosis, Finding } from '../../public/diagnosis.ts';
import { DIRECTORY, integer, readArguments } from '../arguments.ts';
import { alignColumns } from '../columns.ts';
import { type CliIo, type Command, command, ExitCode } from '../command.ts';
import { counted, formatBytes, formatCount } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';
import { storeError } from '../store-access.ts';
import { wrap } from '../wrap.ts';

const HELP = `Usage: arena-level doctor DIR [options]

Looks for what is wrong with a store and says, in words, what it is and what to do: a frozen MemDB that is not released,
a journal that was left behind, a version that was not committed, a MasterRoot that does not match the tables; and
damage, missing files and leftovers. Changes nothing. Exit code 1 when there is a warning or a problem.

  DIR                       directory of the store; it may be open elsewhere
  --quick                   believe tables what they state of themselves, instead of reading them
  --wait SECONDS            of a store that is open, report what is still so after that time, default 2
  --json                    print the diagnosis as JSON

Examples:
  arena-level doctor ./cities
  arena-level doctor ./cities --quick --json
`;

interface DoctorOptions {
  readonly location: string;
  readonly quick: boolean;
  readonly waitMs: number;
  readonly json: boolean;
}

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  wait: { type: 'string', default: '2' },
  json: { type: 'boolean', default: false },
} as const;

const TITLES: Readonly<Record<Finding['kind'], string>> = {
  'frozen-memdb': 'a frozen MemDB that is not released',
  'journal-left-behind': 'a journal that was left behind',
  'version-not-committed': 'a version that was not committed',
  'master-root-mismatch': 'a MasterRoot that does not match the tables',
  'missing-file': 'a missing file',
  damage: 'damage',
  'torn-journal': 'a torn journal',
  leftover: 'a leftover',
  'set-aside': 'files set aside',
};

const MAX_COLUMNS = 100;
const INDENT = '    ';

function parse(args: readonly string[]): DoctorOptions {
  const { values, positionals } = readArguments(args, OPTIONS, [DIRECTORY]);
  const { quick, json } = values;
  return { location: positionals[0]!, quick, waitMs: 1000 * integer('--wait', values.wait, 0, 600), json };
}

export const doctorCommand: Command = command<DoctorOptions>({
  name: 'doctor',
  summary: 'say what is wrong with a store, and what to do',
  help: HELP,
  parse,
  async run(options, io) {
    const diagnosis = await examine(options, io);
    const columns = Math.min(io.columns > 0 ? io.columns : MAX_COLUMNS, MAX_COLUMNS);
    io.stdout.write(
      options.json
        ? `${JSON.stringify(diagnosis, undefined, 2)}\n`
        : diagnosisText(diagnosis, options.quick, columns),
    );
    const isFine = diagnosis.findings.every(({ severity }) => severity === 'notice');
    return isFine ? ExitCode.Ok : ExitCode.Problem;
  },
});

async function examine({ location, quick, waitMs }: DoctorOptions, io: CliIo): Promise<Diagnosis> {
  const { diagnose } = await import('../../db/diagnose-store.ts');
  const line = ProgressLine.on(io);
  try {
    return await diagnose(
      location,
      {
        quick,
        waitMs,
        signal: io.interrupt,
        onProgress: ({ bytesDone, bytesTotal }) => line.updateBytes(bytesDone, bytesTotal, 'read'),
      },
      { clock: io.clock },
    );
  } catch (error) {
    throw storeError(location, error);
  } finally {
    line.clear();
  }
}

function diagnosisText(diagnosis: Diagnosis, quick: boolean, columns: number): string {
  const { findings } = diagnosis;
  const lines = [diagnosis.location, '', ...factLines(diagnosis, quick), ''];
  if (findings.length === 0) lines.push('Nothing is wrong.');
  for (const [index, { severity, kind, file, words, whatToDo }] of findings.entries()) {
    if (index > 0) lines.push('');
    lines.push(`${severity}: ${TITLES[kind]}${file === undefined ? '' : `, ${file}`}`);
    for (const line of wrap(words, columns, INDENT)) lines.push(line);
    for (const line of wrap(`What to do: ${whatToDo}`, columns, INDENT)) lines.push(line);
  }
  return `${lines.join('\n')}\n`;
}

function factLines(
  { holder, manifest, lastSequence, tables, journals }: Diagnosis,
  quick: boolean,
): string[] {
  const entries = quick ? '' : `, ${counted(tables.entries, 'entry', 'entries')} read`;
  return alignColumns(
    [
      [
        'manifest',
        manifest === undefined
          ? 'none that can be read'
          : `${manifest}, up to sequence number ${formatCount(lastSequence)}`,
      ],
      ['tables', `${formatCount(tables.count)} (${formatBytes(tables.bytes)})${entries}`],
      [
        'journals',
        `${formatCount(journals.count)} (${formatBytes(journals.bytes)}), ${counted(journals.entries, 'write')}`,
      ],
      ['open', holder === undefined ? 'by nobody' : `by ${holder}`],
    ],
    ['left', 'left'],
  );
}
