import { CommandError, describeError } from '../errors.ts';
import { counted } from '../format.ts';
import type { IngestTarget } from './load-records.ts';

/**
 * Closes the store of an ingest that failed after so many records (undefined: the error says what is stored), and says in one error what went wrong. A close
 * that fails is told, too: the records may then not be on the disk.
 */
export async function closeAfter(
  error: unknown,
  store: Pick<IngestTarget, 'close'>,
  records: number | undefined,
): Promise<CommandError> {
  const stored =
    records === undefined
      ? ''
      : `; ${counted(records, 'record')} ${records === 1 ? 'was' : 'were'} stored before`;
  const problem = `${describeError(error)}${stored}`;
  try {
    await store.close();
    return new CommandError(problem);
  } catch (closeError) {
    return new CommandError(`${problem}; closing the store failed, too: ${describeError(closeError)}`);
  }
}
