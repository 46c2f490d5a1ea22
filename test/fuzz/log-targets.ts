/** Logs and what is in them: journals, manifests, arena.roots. */
import { isDeepStrictEqual } from 'node:util';
import { createArena } from '@arena-level/common/arena/arena';
import { corruption } from '@arena-level/common/base/errors';
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { runNow } from '@arena-level/common/base/steps';
import { createMemDb } from '@arena-level/common/memdb/create-memdb';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { journalFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { BATCH_HEADER_BYTES, validateBatch } from '../../packages/engine/src/journal/batch-codec.ts';
import {
  BLOCK_BYTES,
  chunkLength,
  chunkTypeOf,
  HEADER_BYTES,
  sealChunk,
} from '../../packages/engine/src/journal/log-format.ts';
import type { LogReadOptions } from '../../packages/engine/src/journal/log-parser.ts';
import { readLog } from '../../packages/engine/src/journal/log-reader.ts';
import { decodeVersionEdit, encodeVersionEdit } from '../../packages/engine/src/manifest/version-edit.ts';
import { readRoots } from '../../packages/engine/src/roots/roots-file.ts';
import { readManifest } from '../../packages/engine/src/version/manifest-reader.ts';
import { logOf } from '../damage/manifests.ts';
import { fileLike, type SampleStore } from '../damage/sample-store.ts';
import { demand, type FuzzTarget } from './fuzz-target.ts';

const JOURNAL = journalFile(9);
/** The payload of a journal record when it is taken for one of its own. */
const BATCH_FILE = '000009.log';

export function logTargets(sample: SampleStore): FuzzTarget[] {
  const files = (pattern: RegExp): Uint8Array[] =>
    fileLike(sample.files, pattern).map((name) => sample.files.get(name)!);
  const journals = files(/\.log$/);
  const manifests = files(/^MANIFEST/);
  const roots = files(/^arena\.roots$/);
  return [
    { name: 'journal', weight: 20, corpus: journals, repair: sealChunks, run: runJournal },
    { name: 'long journal', weight: 1, corpus: [longLog()], repair: sealChunks, run: runJournal },
    { name: 'batch', weight: 20, corpus: recordsOf(files(/\.log$/)), run: runBatch },
    { name: 'version edit', weight: 20, corpus: recordsOf(manifests), run: runEdit },
    { name: 'manifest', weight: 16, corpus: manifests, repair: sealChunks, run: runManifest },
    { name: 'arena.roots', weight: 8, corpus: roots, repair: sealChunks, run: runRoots },
  ];
}

/** Records that span blocks, and one that ends where only a first chunk without bytes fits. */
function longLog(): Uint8Array {
  const lengths = [30, BLOCK_BYTES - 30 - 3 * HEADER_BYTES - 12, 12, 40_000, 5];
  return logOf(lengths.map((length, i) => new Uint8Array(length).fill(i + 1)));
}

function recordsOf(logs: readonly Uint8Array[]): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (const log of logs) {
    const storage = new MemoryStorage({ files: new Map([['000009.log', log]]) });
    runNow(
      readLog(
        storage.openReadNow(JOURNAL),
        (bytes, start, end) => void records.push(bytes.slice(start, end)),
      ),
    );
  }
  return records;
}

/** Walks the chunks by their lengths, as far as they lead, and makes their checksums right. */
function sealChunks(bytes: Uint8Array): void {
  for (let block = 0; block < bytes.length; block += BLOCK_BYTES) {
    const end = Math.min(block + BLOCK_BYTES, bytes.length);
    for (let at = block; at + HEADER_BYTES <= end; ) {
      const next = at + HEADER_BYTES + chunkLength(bytes, at);
      if (next > end) break;
      sealChunk(bytes, at, chunkLength(bytes, at), chunkTypeOf(bytes, at) as never);
      at = next;
    }
  }
}

function runJournal(input: Uint8Array): boolean {
  const storage = new MemoryStorage({ files: new Map([['000009.log', input]]) });
  let isWhole = false;
  const salvage: LogReadOptions = {
    onDrop: ({ offset, bytes }) =>
      demand(offset >= 0 && bytes >= 0 && offset + bytes <= input.length, 'a drop outside of the file'),
  };
  for (const options of [{}, { everyRecordSynced: true }, salvage]) {
    let lastOffset = -1;
    let payload = 0;
    const file = storage.openReadNow(JOURNAL);
    const end = runNow(
      readLog(
        file,
        (bytes, start, recordEnd, offset) => {
          demand(start <= recordEnd && recordEnd <= bytes.length, 'a record outside of its buffer');
          demand(offset > lastOffset, 'records do not ascend');
          lastOffset = offset;
          payload += recordEnd - start;
          const batch = validateBatch(bytes, start, recordEnd);
          demand(
            batch.kind === 'valid' || batch.offset <= recordEnd - start,
            'a problem outside of its batch',
          );
        },
        options,
      ),
    );
    demand(payload <= input.length, 'more records than bytes');
    demand(end.goodEnd <= input.length, 'the good end lies outside of the file');
    demand(end.kind === 'end' || end.offset <= input.length, 'a tear outside of the file');
    demand(options !== salvage || end.kind !== 'damage', 'damage where it is stepped over');
    if (options !== salvage) isWhole = end.kind === 'end';
  }
  return isWhole;
}

const arena = createArena({ kind: MemDbKind.Skiplist, kvBytes: 200_000, entries: 1_000 });

/** What a batch says of itself is enough to insert it, and to get as many entries back. */
function runBatch(input: Uint8Array): boolean {
  const batch = validateBatch(input, 0, input.length);
  if (batch.kind !== 'valid') throw corruption(batch.reason, BATCH_FILE, batch.offset);
  const { sequence, puts, deletes, putBytes, deleteBytes } = batch;
  const count = puts + deletes;
  demand(BATCH_HEADER_BYTES + putBytes + deleteBytes === input.length, 'bytes are not accounted for');
  demand(sequence + Math.max(count - 1, 0) <= MAX_SEQUENCE, 'a sequence number that is not exact');
  if (count === 0) return true;
  arena.activate(sequence - 1);
  try {
    const memdb = createMemDb(arena);
    if (!memdb.fits(putBytes + deleteBytes, count)) return true;
    memdb.insert(input, BATCH_HEADER_BYTES, input.length, count, sequence);
    const iterator = memdb.iterator();
    let entries = 0;
    for (iterator.first(); iterator.valid; iterator.next()) entries++;
    demand(entries === count, `${entries} entries of a batch of ${count}`);
  } finally {
    arena.abandon();
  }
  return true;
}

/** What was decoded is what would be written: decoded anew it is the same. */
function runEdit(input: Uint8Array): boolean {
  const edit = decodeVersionEdit(input, 0, input.length, 'MANIFEST-000009', 0);
  const encoded = encodeVersionEdit(edit);
  const again = decodeVersionEdit(encoded, 0, encoded.length, 'MANIFEST-000009', 0);
  demand(isDeepStrictEqual(again, edit), 'an edit that is written and read is another');
  return true;
}

function runManifest(input: Uint8Array): boolean {
  const storage = new MemoryStorage({ files: new Map([['MANIFEST-000009', input]]) });
  const { levels, sizeBytes, torn, ...numbers } = runNow(readManifest(storage, 9));
  const { logNumber, prevLogNumber, nextFileNumber, lastSequence } = numbers;
  for (const number of [logNumber, prevLogNumber, nextFileNumber, lastSequence, sizeBytes])
    demand(Number.isSafeInteger(number) && number >= 0, 'a number that is not exact');
  demand(sizeBytes <= input.length, 'the last record ends outside of the file');
  const tables = levels.flat().map(({ number }) => number);
  demand(new Set(tables).size === tables.length, 'a table twice');
  return !torn;
}

function runRoots(input: Uint8Array): boolean {
  const storage = new MemoryStorage({ files: new Map([['arena.roots', input]]) });
  const { last, tableRoots, goodEnd, report } = runNow(readRoots(storage));
  demand(goodEnd <= input.length, 'the good end lies outside of the file');
  for (const [number, root] of tableRoots)
    demand(Number.isSafeInteger(number) && root.length === 32, 'a root that is none');
  demand(last === undefined || last.masterRoot.length === 32, 'a MasterRoot that is none');
  return report === undefined;
}
