/** `arena-level checkpoint`: a copy of a store. */
import type { Store } from '../../db/store.ts';
import type { CheckpointReport } from '../../public/public-types.ts';
import { DIRECTORY, readArguments } from '../arguments.ts';
import { type CliIo, type Command, command, ExitCode } from '../command.ts';
import { counted, formatBytes, formatCount, formatDuration } from '../format.ts';
import { ProgressLine } from '../progress-line.ts';
import { writeStore } from '../store-access.ts';

const HELP = `Usage: arena-level checkpoint DIR TARGET [options]

Makes a store of its own in another directory, with everything that is in this one. Tables get a second name there where
the file system allows it, and are copied otherwise. Ctrl-C ends it and leaves nothing in TARGET.

  DIR                       directory of the store; nobody else may have it open
  TARGET                    directory of the copy: empty, or not there yet
  --copy                    copy tables in any case
  --json                    print what was made as JSON

Examples:
  arena-level checkpoint ./cities ./cities-backup
  arena-level checkpoint ./cities /mnt/backup/cities --copy
`;

interface CheckpointCommandOptions {
  readonly location: string;
  readonly target: string;
  readonly copy: boolean;
  readonly json: boolean;
}

const TARGET = { name: 'TARGET', what: 'the directory of the copy' };

const OPTIONS = {
  copy: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

function parse(args: readonly string[]): CheckpointCommandOptions {
  const { values, positionals } = readArguments(args, OPTIONS, [DIRECTORY, TARGET]);
  return { location: positionals[0]!, target: positionals[1]!, ...values };
}

export const checkpointCommand: Command = command<CheckpointCommandOptions>({
  name: 'checkpoint',
  summary: 'make a copy that is a store of its own',
  help: HELP,
  parse,
  async run(options, io) {
    const startedAt = io.clock.now();
    const report = await writeStore(options.location, { autoCompaction: false }, (store) =>
      checkpoint(store, options, io),
    );
    const elapsedMs = io.clock.now() - startedAt;
    io.stdout.write(options.json ? reportJson(report) : reportText(report, options.target, elapsedMs));
    return ExitCode.Ok;
  },
});

async function checkpoint(
  store: Store,
  { target, copy }: CheckpointCommandOptions,
  io: CliIo,
): Promise<CheckpointReport> {
  const line = ProgressLine.on(io);
  try {
    return await store.checkpoint(target, {
      link: !copy,
      signal: io.interrupt,
      onProgress: ({ bytesDone, bytesTotal }) => line.updateBytes(bytesDone, bytesTotal),
    });
  } finally {
    line.clear();
  }
}

function reportText(report: CheckpointReport, target: string, elapsedMs: number): string {
  const { tables, bytes, linked, copied, sequence, root } = report;
  return (
    `Made ${target} in ${formatDuration(elapsedMs)}: ${counted(tables, 'table')} (${formatBytes(bytes)}), ` +
    `${formatCount(linked)} linked, ${formatCount(copied)} copied\n` +
    `MasterRoot ${Buffer.from(root).toString('hex')} at sequence ${formatCount(sequence)}\n`
  );
}

function reportJson({ root, ...report }: CheckpointReport): string {
  return `${JSON.stringify({ masterRoot: Buffer.from(root).toString('hex'), ...report }, undefined, 2)}\n`;
}
