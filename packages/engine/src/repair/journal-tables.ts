import type { Clock } from '@arena-level/common/base/clock';
import { fileName, journalFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { InlineFlushExecutor } from '../flush/inline-flush-executor.ts';
import { ArenaPool } from '../memtable/arena-pool.ts';
import type { ResolvedOptions } from '../options/options.ts';
import { tableOptions } from '../options/table-options.ts';
import type { FileProblem } from '../public/public-types.ts';
import { replayJournals } from '../recovery/journal-replay.ts';
import { ReplaySink } from '../recovery/replay-sink.ts';

export interface JournalModules {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly newFileNumber: () => number;
}

export interface JournalTables {
  /** Numbers of the tables, oldest first; their names are durable. */
  readonly tables: readonly number[];
  readonly journals: readonly { readonly file: string; readonly entries: number }[];
  readonly lastSequence: number;
}

/**
 * Makes tables of journals, in order, of every record that can be read: unlike an open, also of what lies behind a
 * tear, later journals included. It was never promised, but who repairs a store wants all there is.
 */
export async function tablesOfJournals(
  { storage, clock, newFileNumber }: JournalModules,
  numbers: readonly number[],
  options: ResolvedOptions,
  lastSequence: number,
  damage: FileProblem[],
): Promise<JournalTables> {
  const { memtable: kind, writeBufferBytes: standardBytes } = options;
  const pool = new ArenaPool({ kind, standardBytes, maxIdle: 0 }, { clock, preparer: undefined });
  const executor = new InlineFlushExecutor(storage, clock);
  const sink = new ReplaySink(
    { storage, pool, executor, newFileNumber },
    tableOptions(options, 0),
    lastSequence,
  );
  const journals: { file: string; entries: number }[] = [];
  try {
    for (const number of numbers) {
      const replayed = await replayJournals(storage, [number], sink, { recover: 'skip' });
      journals.push({ file: fileName(journalFile(number)), entries: replayed.entries });
      for (const problem of replayed.damage) damage.push(problem);
      if (replayed.tear !== undefined) damage.push(replayed.tear);
    }
    await sink.finish();
  } catch (error) {
    sink.abandon();
    throw error;
  } finally {
    pool.close();
    await executor.close();
  }
  const tables = sink.tables.map(({ table }) => table.number);
  return { tables, journals, lastSequence: sink.lastSequence };
}
