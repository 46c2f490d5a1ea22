/** Flushes: the hand-off to a worker, and how fast tables are built from arenas there. */
import { createArena } from '@arena-level/common/arena/arena';
import { ArenaState } from '@arena-level/common/arena/arena-state';
import { systemClock } from '@arena-level/common/base/clock';
import { MIB } from '@arena-level/common/base/limits';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import type { FlushJob } from '@arena-level/common/protocol/flush-protocol';
import { tempFile } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { Compression, DEFAULT_TABLE_OPTIONS } from '@arena-level/common/table/table-options';
import { type Case, check, type Group, timedAsync } from '../measure.ts';
import { engineModule } from '../support/engine-module.ts';
import { WorkFolder } from '../support/work-folder.ts';
import { type Entries, makeEntries } from './entries.ts';
import { entriesThatFit, filledMemDb, preparedArena } from './filled-arena.ts';

type ExecutorModule = typeof import('../../../packages/engine/src/flush/piscina-flush-executor.ts');
type Executor = InstanceType<ExecutorModule['PiscinaFlushExecutor']>;

const ROUND_TRIPS = 200;
const ARENA_BYTES: number = 32 * MIB;

/** One executor and one folder for the cases of a group; the last case's disposal ends them. */
async function bench(): Promise<{ executor: Executor; storage: NodeStorage; end: () => Promise<void> }> {
  const { PiscinaFlushExecutor } = await engineModule<ExecutorModule>('flush/piscina-flush-executor');
  const folder = new WorkFolder();
  const storage = new NodeStorage(folder.path);
  const executor = new PiscinaFlushExecutor({
    storage,
    clock: systemClock,
    flushWorkers: 1,
    compactionWorkers: 1,
  });
  const end = async (): Promise<void> => {
    await executor.close();
    storage.closeNow();
    folder.remove();
  };
  return { executor, storage, end };
}

export const handOffGroup: Group = {
  name: 'Hand-off to the worker and back',
  operation: 'task',
  async cases() {
    const { executor, storage, end } = await bench();
    const free = createArena({ kind: MemDbKind.Hash, kvBytes: 4096 });
    const one = flushJobOf(makeEntries('random', 1), MemDbKind.Hash, Compression.None);
    return [
      {
        name: 'a task that does next to nothing',
        sample: () =>
          timedAsync(ROUND_TRIPS, async () => {
            for (let trip = 0; trip < ROUND_TRIPS; trip++) await executor.prepare(free.shared);
          }),
        dispose: end,
      },
      {
        name: 'a flush of one entry, with its file and its sync',
        sample: () => flushes(executor, storage, one, ROUND_TRIPS / 10),
      },
    ];
  },
};

export const flushGroup: Group = {
  name: 'Flush of 32 MiB in the worker: order, table, filter, leaves, sync',
  operation: 'entry',
  async cases() {
    const { executor, storage, end } = await bench();
    const random = makeEntries('random', entriesThatFit(ARENA_BYTES));
    const decimal = makeEntries('decimal', entriesThatFit(ARENA_BYTES));
    const caseOf = (name: string, entries: Entries, kind: MemDbKind, compression: Compression): Case => {
      const job = flushJobOf(entries, kind, compression);
      return {
        name,
        async sample() {
          const sample = await flushes(executor, storage, job, 1);
          return { ...sample, operations: entries.count };
        },
      };
    };
    const { Hash, Skiplist } = MemDbKind;
    return [
      { ...caseOf('hash, random keys', random, Hash, Compression.None), dispose: end },
      caseOf('skiplist, random keys', random, Skiplist, Compression.None),
      caseOf('hash, decimal keys', decimal, Hash, Compression.None),
      caseOf('hash, random keys, snappy', random, Hash, Compression.Snappy),
    ];
  },
};

async function flushes(
  executor: Executor,
  storage: NodeStorage,
  job: FlushJob,
  times: number,
): ReturnType<typeof timedAsync> {
  const built: number[] = [];
  const sample = await timedAsync(times, async () => {
    for (let time = 0; time < times; time++) {
      const outcome = await executor.flush({ ...job, tempNumber: job.tempNumber + time });
      check(outcome.kind === 'built', `a table is built, not ${outcome.kind}`);
      built.push(outcome.table.entries);
    }
  });
  check(
    built.every((entries) => entries === job.entries),
    'every entry is in the table',
  );
  for (let time = 0; time < times; time++) storage.removeNow(tempFile(job.tempNumber + time));
  return sample;
}

let nextNumber = 1;

function flushJobOf(entries: Entries, kind: MemDbKind, compression: Compression): FlushJob {
  const arena = preparedArena(kind, entries.count);
  filledMemDb(arena, entries);
  arena.freeze();
  arena.transition(ArenaState.Flushing);
  nextNumber += 1000;
  return {
    arena: arena.shared,
    generation: arena.generation,
    entries: entries.count,
    tempNumber: nextNumber,
    dropHorizon: 0,
    options: { ...DEFAULT_TABLE_OPTIONS, compression },
  };
}
