import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { tableFile } from '@arena-level/common/storage/file-desc';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { beforeEach, expect, test } from 'vitest';
import { EventSink } from '../events/event-sink.ts';
import { ObsoleteTables } from './obsolete-tables.ts';

let memory: MemoryStorage;
let faults: FaultStorage;
let isHealthy: boolean;
let told: string[];
let obsolete: ObsoleteTables;
beforeEach(() => {
  memory = new MemoryStorage();
  faults = new FaultStorage(memory);
  isHealthy = true;
  told = [];
  const events = new EventSink((name, details) => told.push(`${name} ${JSON.stringify(details)}`));
  obsolete = new ObsoleteTables(faults, events, () => isHealthy);
  for (const number of [1, 2, 3]) memory.createNow(tableFile(number)).closeNow();
});

test('a table that no version has any more is removed', async () => {
  obsolete.add(2);
  await obsolete.settled();
  expect(memory.fileNames()).toEqual(['000001.ldb', '000003.ldb']);
  expect(told).toEqual(['table-removed {"table":2}']);
});

test('nothing is removed while the manifest is in doubt, and all of it when it is not any more', async () => {
  isHealthy = false;
  obsolete.add(1);
  obsolete.add(3);
  await obsolete.settled();
  expect(memory.fileNames()).toHaveLength(3);
  isHealthy = true;
  obsolete.remove();
  await obsolete.settled();
  expect(memory.fileNames()).toEqual(['000002.ldb']);
});

test('a file that cannot be removed is reported, and left to the next open', async () => {
  faults.install({
    rules: [{ operation: 'remove', type: 'table', nth: 1, times: 1, effect: 'error', errno: 'EBUSY' }],
  });
  obsolete.add(1);
  obsolete.add(2);
  await obsolete.settled();
  expect(memory.fileNames()).toEqual(['000001.ldb', '000003.ldb']);
  expect(told[0]).toMatch(/^cleanup-failed .*000001\.ldb/);
});
