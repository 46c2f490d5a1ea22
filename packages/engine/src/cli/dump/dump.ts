/** `arena-level dump`: what is in one file of a store, in readable form. */
import { basename, dirname } from 'node:path';
import { type FileDesc, FileType, fileName, parseFileName } from '@arena-level/common/storage/file-desc';
import { whatIsAt } from '@arena-level/common/storage/node-directory';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { choice, readArguments } from '../arguments.ts';
import { type CliIo, type Command, command, ExitCode, interruptedCode } from '../command.ts';
import { ENCODING_HELP, ENCODING_OPTIONS, encodingsOf } from '../encoding-options.ts';
import { CommandError, UsageError } from '../errors.ts';
import { formatCount } from '../format.ts';
import { Output } from '../output.ts';
import { dumpJournal } from './dump-journal.ts';
import { dumpManifest } from './dump-manifest.ts';
import { dumpTable } from './dump-table.ts';
import type { DumpTarget } from './dump-target.ts';

const KINDS = ['table', 'journal', 'manifest'] as const;
type Kind = (typeof KINDS)[number];

const HELP = `Usage: arena-level dump table FILE [options]
       arena-level dump journal FILE [options]
       arena-level dump manifest FILE [options]

Prints what is in one file of a store, also of a damaged one: all that can be read, then the damage, with its offsets.
Exit code 1 when there is damage. Changes nothing; the store may be open.

  FILE                      such as ./db/000012.ldb, ./db/000013.log, ./db/MANIFEST-000005; also in ./db/lost
  --entries                 of a table: every entry too
  --full                    print long values whole
${ENCODING_HELP}
  --json                    one JSON object to a line, values whole

Examples:
  arena-level dump table ./cities/000012.ldb
  arena-level dump table ./cities/000012.ldb --entries --json | head
  arena-level dump journal ./cities/000013.log --encoding hex
  arena-level dump manifest ./cities/MANIFEST-000005
`;

const OPTIONS = {
  ...ENCODING_OPTIONS,
  entries: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

interface DumpOptions {
  readonly kind: Kind;
  readonly path: string;
  readonly target: Omit<DumpTarget, 'output' | 'damage'>;
}

const FILE_TYPES: Readonly<Record<Kind, FileType>> = {
  table: FileType.Table,
  journal: FileType.Journal,
  manifest: FileType.Manifest,
};

const EXAMPLE_NAMES: Readonly<Record<Kind, string>> = {
  table: '000012.ldb',
  journal: '000013.log',
  manifest: 'MANIFEST-000005',
};

function parse(args: readonly string[]): DumpOptions {
  const what = { name: 'KIND', what: 'table, journal or manifest' };
  const file = { name: 'FILE', what: 'the file to print' };
  const { values, positionals } = readArguments(args, OPTIONS, [what, file]);
  const kind = choice('what to dump', positionals[0]!, KINDS);
  const { entries, full, json } = values;
  if (entries && kind !== 'table') throw new UsageError('--entries is for tables');
  return { kind, path: positionals[1]!, target: { encodings: encodingsOf(values), entries, full, json } };
}

export const dumpCommand: Command = command<DumpOptions>({
  name: 'dump',
  summary: 'print what is in a table, a journal or a manifest',
  help: HELP,
  parse,
  async run({ kind, path, target }, io) {
    const file = fileAt(path, kind);
    const storage = new NodeStorage(dirname(path));
    const damage: string[] = [];
    const output = new Output(io);
    try {
      await DUMPS[kind](storage, file, { ...target, output, damage }, io);
    } finally {
      await output.flush();
      storage.closeNow();
    }
    if (io.interrupt.aborted) return interruptedCode(io);
    if (damage.length > 0) throw damageError(damage);
    return ExitCode.Ok;
  },
});

const DUMPS: Readonly<
  Record<Kind, (storage: NodeStorage, file: FileDesc, target: DumpTarget, io: CliIo) => Promise<void>>
> = { table: dumpTable, journal: dumpJournal, manifest: dumpManifest };

function fileAt(path: string, kind: Kind): FileDesc {
  const file = parseFileName(basename(path));
  const found = whatIsAt(path);
  if (found === 'nothing') throw new CommandError(`cannot read '${path}': there is no such file`);
  if (found === 'directory') throw new CommandError(`cannot read '${path}': it is a directory`);
  if (file?.type === FILE_TYPES[kind]) return file;
  throw new CommandError(
    `'${path}' has not the name of a ${kind}, as ${EXAMPLE_NAMES[kind]} is; ` +
      (file === undefined ? 'copy it to such a name' : `it is ${described(file)}`),
  );
}

function described(file: FileDesc): string {
  const kind = KINDS.find((candidate) => FILE_TYPES[candidate] === file.type);
  return kind === undefined ? fileName(file) : `a ${kind}`;
}

function damageError(damage: readonly string[]): CommandError {
  const more = damage.length > 1 ? ` (and ${formatCount(damage.length - 1)} more, see above)` : '';
  return new CommandError(`${damage[0]!}${more}`);
}
