import { fileName, tableFile, tempFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { TableBuilder } from '@arena-level/common/table/table-builder';
import type { TableOptions } from '@arena-level/common/table/table-options';
import { bestEffort } from '../manifest/best-effort.ts';
import type { ScannedTable } from './scan-table.ts';
import { walkTable } from './walk-table.ts';

/**
 * Writes the entries of a table that can be read into a new one, which is synced; its name is durable after the next
 * directory sync. The old table stays. REQUIRES: at least one entry.
 */
export async function rewriteTable(
  storage: Storage,
  table: ScannedTable,
  newFileNumber: () => number,
  options: TableOptions,
): Promise<ScannedTable> {
  const temp = tempFile(newFileNumber());
  const file = storage.createNow(temp);
  try {
    const builder = new TableBuilder(file, options);
    await walkTable(storage, table.number, table.size, {
      entry({ keyBytes, keyEnd, sequence, kind, valueBytes, valueStart, valueEnd }) {
        builder.add(keyBytes, 0, keyEnd, sequence, kind, valueBytes, valueStart, valueEnd);
      },
      damage: () => {},
    });
    const summary = builder.finish();
    await file.sync();
    file.closeNow();
    const number = newFileNumber();
    storage.renameNow(temp, tableFile(number));
    return { ...summary, number, damage: [] };
  } catch (error) {
    bestEffort(() => file.closeNow());
    bestEffort(() => storage.removeNow(temp));
    throw error;
  }
}

export const nameOfTable = ({ number }: { readonly number: number }): string => fileName(tableFile(number));
