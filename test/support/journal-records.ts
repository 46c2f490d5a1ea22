import { runNow } from '@arena-level/common/base/steps';
import { decodeVarint32, varintEnd } from '@arena-level/common/bytes/varint';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { FileType } from '@arena-level/common/storage/file-desc';
import type { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import {
  BATCH_HEADER_BYTES,
  batchRecordEnd,
  readBatchCount,
  readBatchSequence,
} from '../../packages/engine/src/journal/batch-codec.ts';
import { readLog } from '../../packages/engine/src/journal/log-reader.ts';

/** One record of a journal: writes that stand or fall together. */
export interface JournalRecord {
  /** Sequence number of the first write. */
  readonly sequence: number;
  /** `put key value` and `del key`. */
  readonly writes: readonly string[];
}

/** The records of all journals, oldest first, opening records left out. */
export function journalRecords(memory: MemoryStorage): JournalRecord[] {
  const journals = memory.listNow().filter(({ type }) => type === FileType.Journal);
  const records: JournalRecord[] = [];
  for (const journal of journals.sort((a, b) => a.number - b.number)) {
    const file = memory.openReadNow(journal);
    runNow(
      readLog(file, (bytes, start, end) => {
        if (readBatchCount(bytes, start) > 0) {
          records.push({ sequence: readBatchSequence(bytes, start), writes: writesOf(bytes, start, end) });
        }
      }),
    );
    file.closeNow();
  }
  return records;
}

function writesOf(bytes: Uint8Array, start: number, end: number): string[] {
  const writes: string[] = [];
  for (let at = start + BATCH_HEADER_BYTES; at < end; ) {
    const recordEnd = batchRecordEnd(bytes, at, end);
    if (recordEnd < 0) throw new Error(`no batch record at ${at}`);
    const keyBytes = decodeVarint32(bytes, at + 1, end);
    const keyStart = varintEnd;
    const key = Buffer.from(bytes.subarray(keyStart, keyStart + keyBytes)).toString('latin1');
    if (bytes[at] === ValueKind.Put) {
      decodeVarint32(bytes, keyStart + keyBytes, end);
      writes.push(`put ${key} ${Buffer.from(bytes.subarray(varintEnd, recordEnd)).toString('latin1')}`);
    } else {
      writes.push(`del ${key}`);
    }
    at = recordEnd;
  }
  return writes;
}
