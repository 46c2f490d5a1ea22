/** Compactions: how fast one thread merges tables, reads and syncs included, on files of the page cache. */
import { systemClock } from '@arena-level/common/base/clock';
import { MIB } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { CompactionHandle } from '@arena-level/common/protocol/compaction-control';
import type { CompactionJob, InputTable } from '@arena-level/common/protocol/compaction-protocol';
import { tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import type { Storage } from '@arena-level/common/storage/storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import {
  Compression,
  DEFAULT_TABLE_OPTIONS,
  type TableOptions,
} from '@arena-level/common/table/table-options';
import { compactTables } from '@arena-level/worker-flush/compact-tables';
import { type Case, check, type Group, timed } from '../measure.ts';
import { WorkFolder } from '../support/work-folder.ts';
import { type Entries, makeEntries } from './entries.ts';

const ENTRIES = 600_000;
const TABLE_BYTES: number = 32 * MIB;
const SEED = 20251201;

export const compactionGroup: Group = {
  name: 'Compaction in one thread: merge, checksums, filter, leaves, sync',
  operation: 'entry read',
  cases() {
    const folder = new WorkFolder();
    const storage = new NodeStorage(folder.path);
    const dispose = (): void => {
      storage.closeNow();
      folder.remove();
    };
    const entries = makeEntries('random', ENTRIES);
    const order = sortedOrder(entries);
    const caseOf = (name: string, shares: readonly Share[], compression: Compression): Case =>
      compactionCase(
        name,
        storage,
        entries,
        shares.map((share) => share(order)),
        compression,
      );
    const overwrites = [some(20), some(20), some(20), some(20), all];
    const { None, Snappy } = Compression;
    return [
      { ...caseOf('4 runs of a twentieth each over one of all', overwrites, None), dispose },
      caseOf('the same, snappy', overwrites, Snappy),
      caseOf('1 in 100 spread over all', [some(100), all], None),
      caseOf('the same, snappy', [some(100), all], Snappy),
      caseOf('2 runs over a tenth of the keys', [tenth(2), tenth(2), all], None),
      caseOf('one run alone', [all], None),
    ];
  },
};

/** Which entries a run has: indices in the order of the keys. */
type Share = (order: readonly number[]) => readonly number[];

const all: Share = (order) => order;

/** One in `of`, chosen at random. */
function some(of: number): Share {
  const prng = new Prng(SEED + of);
  return (order) => order.filter(() => prng.oneIn(of));
}

/** One in `of` of those in one tenth of the key space. */
function tenth(of: number): Share {
  const prng = new Prng(SEED + of);
  return (order) => order.slice(order.length * 0.4, order.length * 0.5).filter(() => prng.oneIn(of));
}

let nextNumber = 1;

/** Runs newest first: the sequence numbers of each are above those of the runs behind it. */
function compactionCase(
  name: string,
  storage: Storage,
  entries: Entries,
  shares: readonly (readonly number[])[],
  compression: Compression,
): Case {
  const options = { ...DEFAULT_TABLE_OPTIONS, compression };
  const runs = shares.map((share, run) =>
    writeRun(storage, entries, share, (shares.length - run) * ENTRIES, options),
  );
  const read = shares.reduce((sum, share) => sum + share.length, 0);
  return {
    name,
    sample() {
      const first = nextNumber;
      nextNumber += 100;
      const job: CompactionJob = {
        runs,
        below: [],
        grandparents: [],
        maxGrandparentBytes: Number.MAX_SAFE_INTEGER,
        dropHorizon: Number.MAX_SAFE_INTEGER,
        maxTableBytes: TABLE_BYTES,
        tempNumbers: { first, count: 100 },
        options,
        ...new CompactionHandle().memory,
      };
      let response: ReturnType<typeof compactTables> | undefined;
      const sample = timed(read, () => {
        response = compactTables(job, storage, systemClock);
      });
      check(response?.kind === 'compacted', 'the tables are merged');
      check(response.entries === read && read - response.dropped === ENTRIES, 'every key is there once');
      for (const { tempNumber } of response.tables) storage.removeNow(tempFile(tempNumber));
      return sample;
    },
  };
}

function writeRun(
  storage: Storage,
  entries: Entries,
  share: readonly number[],
  sequenceBase: number,
  options: TableOptions,
): InputTable[] {
  const tables: InputTable[] = [];
  for (let at = 0; at < share.length; ) {
    const number = nextNumber++;
    const file = storage.createNow(tableFile(number));
    const builder = new TableBuilder(file, options);
    for (; at < share.length && builder.sizeBytes < TABLE_BYTES; at++) {
      const index = share[at]!;
      const key = entries.keys[index]!;
      const value = entries.values[index]!;
      builder.add(key, 0, key.length, sequenceBase + index, ValueKind.Put, value, 0, value.length);
    }
    const { size, smallest, largest } = builder.finish();
    file.closeNow();
    tables.push({ number, size, smallest, largest });
  }
  return tables;
}

function sortedOrder({ keys, count }: Entries): number[] {
  const order = Array.from({ length: count }, (_, at) => at);
  return order.sort((left, right) => Buffer.compare(keys[left]!, keys[right]!));
}
