import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { arenaBudget, open } from 'arena-level/engine';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { Progress, scaled } from './torture.ts';

const WRITES = scaled(1_000_000);
const KIB = 1024;

test.each([
  { flush: 'worker', memtable: MemDbKind.Hash, arenaBytes: 4 * KIB, writes: WRITES / 10 },
  { flush: 'inline', memtable: MemDbKind.Hash, arenaBytes: 4 * KIB, writes: WRITES / 10 },
  { flush: 'worker', memtable: MemDbKind.Hash, arenaBytes: 64 * KIB, writes: WRITES },
  { flush: 'worker', memtable: MemDbKind.Hash, arenaBytes: 256 * KIB, writes: WRITES },
  { flush: 'worker', memtable: MemDbKind.Skiplist, arenaBytes: 256 * KIB, writes: WRITES },
  { flush: 'inline', memtable: MemDbKind.Hash, arenaBytes: 256 * KIB, writes: WRITES },
  { flush: 'inline', memtable: MemDbKind.Skiplist, arenaBytes: 256 * KIB, writes: WRITES },
] as const)(
  '$writes blocking writes in one turn are all there, in bounded memory ($flush, $memtable, arenas of $arenaBytes bytes)',
  async ({ flush, memtable, arenaBytes, writes }) => {
    const progress = new Progress(`blocking writes, ${flush}, ${memtable}`);
    const location = temporaryDirectory();
    const budgetBefore = arenaBudget().usedBytes;
    const store = await open(location, { writeBufferSize: arenaBytes, flush, memtable });
    const oneArena = arenaBudget().usedBytes - budgetBefore;
    const key = Buffer.alloc(4);
    for (let i = 0; i < writes; i++) {
      key.writeUInt32BE(i);
      store.putSync(key, key);
      if (i % 1000 === 0) expect(arenaBudget().usedBytes - budgetBefore).toBeLessThanOrEqual(6 * oneArena);
      if (i % 1000 === 0) progress.report({ writes: i });
    }
    expect(store.stats().lastSequence).toBe(writes);
    await store.close();
    expect(arenaBudget().usedBytes).toBe(budgetBefore);
    const again = await open(location, { flush: 'inline' });
    let count = 0;
    for await (const [found, value] of again.iterator()) {
      if (Buffer.from(found).readUInt32BE() !== count || Buffer.compare(found, value) !== 0) break;
      count++;
    }
    expect(count).toBe(writes);
    await again.close();
    progress.finish({ writes });
  },
  1_800_000,
);
