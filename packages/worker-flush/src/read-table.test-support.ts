import { runNow } from '@arena-level/common/base/steps';
import { BlockIterator } from '@arena-level/common/block/block-iterator';
import { tableFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { openTable } from '@arena-level/common/table/table-reader';

const hex = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.subarray(start, end)).toString('hex');

/** Every entry of a table as text: user key, sequence number, kind, value; in the table's order. */
export function readTable(storage: Storage, tableNumber: number): string[] {
  const file = storage.openReadNow(tableFile(tableNumber));
  const table = runNow(openTable(file, file.size));
  const entries: string[] = [];
  const iterator = new BlockIterator();
  for (let block = 0; block < table.blocks; block++) {
    iterator.attach(table.readBlockNow(block));
    for (iterator.first(); iterator.valid; iterator.next()) {
      const { keyBytes, keyEnd, sequence, kind, valueBytes, valueStart, valueEnd } = iterator;
      entries.push(
        `${hex(keyBytes, 0, keyEnd)}#${sequence},${kind}=${hex(valueBytes, valueStart, valueEnd)}`,
      );
    }
  }
  table.close();
  return entries;
}
