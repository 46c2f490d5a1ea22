/** A journal: its records, and the writes in them. */
import { decodeVarint32, varintEnd } from '@arena-level/common/bytes/varint';
import { ValueKind } from '@arena-level/common/key/value-kind';
import { type FileDesc, fileName } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { BATCH_HEADER_BYTES, readBatchSequence, validateBatch } from '../../journal/batch-codec.ts';
import type { CliIo } from '../command.ts';
import { counted } from '../format.ts';
import { dumpLog } from './dump-log.ts';
import {
  type DumpTarget,
  keyJson,
  keyText,
  print,
  printDamage,
  printHead,
  valueJson,
  valueText,
} from './dump-target.ts';

export async function dumpJournal(
  storage: Storage,
  file: FileDesc,
  target: DumpTarget,
  io: CliIo,
): Promise<void> {
  const name = fileName(file);
  printHead(target, 'journal', name, storage.sizeNow(file) ?? 0);
  let records = 0;
  let writes = 0;
  const onRecord = (bytes: Uint8Array, start: number, end: number, offset: number): void => {
    const batch = validateBatch(bytes, start, end);
    if (batch.kind === 'invalid') {
      printDamage(target, `${name} at offset ${offset}: ${batch.reason}`);
      return;
    }
    const sequence = readBatchSequence(bytes, start);
    const count = batch.kind === 'valid' ? batch.puts + batch.deletes : undefined;
    records++;
    const what =
      count === 0
        ? `opening record: the next write has number ${sequence}`
        : `sequence ${sequence}, ${count === undefined ? 'a batch beyond the limits of this engine' : counted(count, 'write')}`;
    print(target, `${String(offset).padStart(10)}  ${what}`, 'record', {
      offset,
      sequence,
      writes: count ?? null,
    });
    if (count === undefined) return;
    writes += count;
    printWrites(bytes, start + BATCH_HEADER_BYTES, end, sequence, target);
  };
  await dumpLog(storage, file, onRecord, target, io);
  print(target, `${counted(records, 'record')}, ${counted(writes, 'write')}`, 'summary', { records, writes });
}

/** The batch records in bytes[start, end), which are valid. */
function printWrites(
  bytes: Uint8Array,
  start: number,
  end: number,
  firstSequence: number,
  target: DumpTarget,
): void {
  let sequence = firstSequence;
  for (let at = start; at < end; sequence++) {
    const isPut = bytes[at] === ValueKind.Put;
    const keyLength = decodeVarint32(bytes, at + 1, end);
    const keyEnd = varintEnd + keyLength;
    const key = bytes.subarray(varintEnd, keyEnd);
    at = keyEnd;
    if (!isPut) {
      const raw = target.json ? { key: keyJson(key, target) } : {};
      print(target, `            del  ${target.json ? '' : keyText(key, target)}`, 'del', { sequence }, raw);
      continue;
    }
    const valueLength = decodeVarint32(bytes, keyEnd, end);
    at = varintEnd + valueLength;
    const value = bytes.subarray(varintEnd, at);
    if (target.json) {
      print(target, '', 'put', { sequence }, { key: keyJson(key, target), value: valueJson(value, target) });
    } else {
      target.output.line(`            put  ${keyText(key, target)}  ${valueText(value, target)}`);
    }
  }
}
