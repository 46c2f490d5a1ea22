/** `arena-level verify`: reads every table and compares it with its root. */
import { fileName, tableFile } from '@arena-level/common/storage/file-desc';
import type { Store } from '../../db/store.ts';
import type { VerifyReport } from '../../public/public-types.ts';
import { DIRECTORY, readArguments } from '../arguments.ts';
import { type CliIo, type Command, command, ExitCode } from '../command.ts';
import { counted, formatByteRate, formatBytes, formatCount, formatDuration } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';
import { readStore } from '../store-access.ts';

const HELP = `Usage: arena-level verify DIR [options]

Reads every table and recomputes its root from the data: every checksum, the index, the filter, the order of the keys
and the Merkle leaves. Names each table that differs from what it says of itself. Exit code 1 when one does.

  DIR                       directory of the store; it may be open elsewhere
  --json                    print the report as JSON

Examples:
  arena-level verify ./cities
  arena-level verify ./cities --json
`;

interface VerifyCommandOptions {
  readonly location: string;
  readonly json: boolean;
}

function parse(args: readonly string[]): VerifyCommandOptions {
  const { values, positionals } = readArguments(
    args,
    { json: { type: 'boolean', default: false } } as const,
    [DIRECTORY],
  );
  return { location: positionals[0]!, json: values.json };
}

export const verifyCommand: Command = command<VerifyCommandOptions>({
  name: 'verify',
  summary: 'read every table and compare it with its root',
  help: HELP,
  parse,
  async run({ location, json }, io) {
    const startedAt = io.clock.now();
    const report = await readStore(location, (store) => verify(store, io));
    const elapsedMs = io.clock.now() - startedAt;
    io.stdout.write(json ? reportJson(report) : reportText(report, elapsedMs));
    return report.differing.length === 0 ? ExitCode.Ok : ExitCode.Problem;
  },
});

async function verify(store: Store, io: CliIo): Promise<VerifyReport> {
  const line = ProgressLine.on(io);
  try {
    return await store.verify({
      signal: io.interrupt,
      onProgress: ({ tablesDone, tables, bytesDone, bytesTotal }) =>
        line.update(() => ({
          parts: [
            `${formatCount(tablesDone)} of ${counted(tables, 'table')}`,
            formatBytes(bytesDone),
            formatByteRate(bytesDone, line.elapsedMs),
          ],
          done: bytesDone,
          total: bytesTotal,
        })),
    });
  } finally {
    line.clear();
  }
}

function reportText({ root, tables, entries, blocks, differing }: VerifyReport, elapsedMs: number): string {
  const read =
    `${counted(tables, 'table')}, ${counted(entries, 'entry', 'entries')} in ${counted(blocks, 'block')}, ` +
    `read in ${formatDuration(elapsedMs)}`;
  const lines = [differing.length === 0 ? `Sound: ${read}` : `Not sound: ${read}`];
  for (const { table, level, problems } of differing) {
    lines.push(`  ${fileName(tableFile(table))} in level ${level}:`);
    for (const problem of problems) lines.push(`    ${problem}`);
  }
  lines.push(
    root === undefined
      ? 'No MasterRoot: a table cannot be read'
      : `MasterRoot ${Buffer.from(root).toString('hex')}`,
  );
  return `${lines.join('\n')}\n`;
}

function reportJson({ root, differing, ...counts }: VerifyReport): string {
  const report = {
    sound: differing.length === 0,
    masterRoot: root === undefined ? null : Buffer.from(root).toString('hex'),
    ...counts,
    differing: differing.map(({ table, ...rest }) => ({ file: fileName(tableFile(table)), ...rest })),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
