import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { open, type StoreEvents } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { settle } from '../support/eventually.ts';
import { bytes } from '../support/text-bytes.ts';

const OPTIONS = { flush: 'inline' } as const;

test('where the recorded roots are gone, the next commit reads what the tables state and renews the MasterRoot', async () => {
  const storage = new MemoryStorage();
  const store = await open('roots', OPTIONS, { storage });
  await store.put(bytes('a'), bytes('1'));
  await store.flush();
  await store.close();
  storage.removeNow({ type: 'roots', number: 0 });

  const renewed: StoreEvents['master-root-renewed'][] = [];
  const again = await open('roots', OPTIONS, { storage });
  again.on('master-root-renewed', (details) => renewed.push(details));
  await again.put(bytes('b'), bytes('2'));
  await again.flush();
  const { root, sequence, tables } = await again.masterRoot();
  await settle();
  expect({ sequence, tables }).toEqual({ sequence: 2, tables: 2 });
  expect(renewed).toEqual([{ root: Buffer.from(root).toString('hex'), sequence, tables }]);
  expect((await again.verify()).differing).toEqual([]);
  await again.close();
});
