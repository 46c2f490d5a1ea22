/** Reads a log to its end, over what is damaged, as fast as the output is taken. */
import { runLater, type Steps, wait } from '@arena-level/common/base/steps';
import { type FileDesc, fileName } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { LogReadOptions, OnRecord } from '../../journal/log-parser.ts';
import { readLog } from '../../journal/log-reader.ts';
import type { CliIo } from '../command.ts';
import { formatCount } from '../format.ts';
import { type DumpTarget, print, printDamage } from './dump-target.ts';

/** Ends the reading from inside of it. */
class NobodyListens extends Error {}

export async function dumpLog(
  storage: Storage,
  desc: FileDesc,
  onRecord: OnRecord,
  target: DumpTarget,
  { interrupt }: Pick<CliIo, 'interrupt'>,
): Promise<void> {
  const name = fileName(desc);
  const file = await storage.openRead(desc);
  const options: LogReadOptions = {
    onDrop: ({ offset, bytes, reason }) =>
      printDamage(target, `${name} at offset ${offset}: ${reason}; ${formatCount(bytes)} bytes are left out`),
  };
  const flush = (): Steps<void> =>
    wait(
      () => {},
      () => target.output.flush(),
    );
  try {
    const end = await runLater(
      readLog(
        file,
        (bytes, start, recordEnd, offset) => {
          if (interrupt.aborted) throw new NobodyListens();
          onRecord(bytes, start, recordEnd, offset);
        },
        options,
        flush,
      ),
    );
    if (end.kind === 'tear') {
      const { offset, reason } = end;
      print(target, `${String(offset).padStart(10)}  torn: ${reason}`, 'tear', { offset, reason });
    }
  } catch (error) {
    if (!(error instanceof NobodyListens)) throw error;
  } finally {
    file.closeNow();
  }
}
