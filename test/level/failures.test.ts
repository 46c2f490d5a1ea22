/** What fails in the engine comes through: with its code, and with a status that says how things are. */
import type { FaultRule } from '@arena-level/common/storage/fault-plan';
import { FaultStorage } from '@arena-level/common/storage/fault-storage';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { ArenaLevel } from 'arena-level';
import { type OpenOptions, open, type Store } from 'arena-level/engine';
import { expect, onTestFinished, test } from 'vitest';

class OverFaults extends ArenaLevel {
  readonly storage = new FaultStorage(new MemoryStorage());

  constructor() {
    super('in memory', { flush: 'inline', createIfMissing: true });
  }

  fail(...rules: readonly Partial<FaultRule>[]): void {
    const byDefault = { operation: 'sync', nth: 1, times: 1, effect: 'error', errno: 'EIO' } as const;
    this.storage.install({ rules: rules.map((rule) => ({ ...byDefault, ...rule })) });
  }

  protected override openEngine(options: OpenOptions): Promise<Store> {
    return open(this.storage.location, options, { storage: this.storage });
  }
}

function overFaults(): OverFaults {
  const db = new OverFaults();
  onTestFinished(async () => {
    db.fail();
    await db.close();
  });
  return db;
}

test('an open that fails says why, and may be tried again', async () => {
  const db = overFaults();
  db.fail({ operation: 'create', times: Number.POSITIVE_INFINITY, errno: 'ENOSPC' });
  await expect(db.open()).rejects.toMatchObject({
    code: 'LEVEL_DATABASE_NOT_OPEN',
    cause: { code: 'LEVEL_IO_ERROR', cause: { code: 'ENOSPC' } },
  });
  expect(db.status).toBe('closed');
  await expect(db.get('a')).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
  db.fail();
  await db.open();
  await db.put('a', '1');
});

test('a close that fails says so; a second one succeeds, since everything has been let go of', async () => {
  const db = overFaults();
  await db.open();
  await db.put('a', '1');
  db.fail({ operation: 'sync', type: 'journal', times: Number.POSITIVE_INFINITY });
  await expect(db.close()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_CLOSED' });
  expect(db.status).toBe('open');
  await expect(db.put('b', '2')).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
  expect(() => db.getSync('a')).toThrow(expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' }));
  db.fail();
  await db.close();
  expect(db.status).toBe('closed');
  await db.open();
  expect(await db.get('a')).toBe('1');
});

test('a write whose journal fails is told with the code of the engine, and the store heals', async () => {
  const db = overFaults();
  const heard: string[] = [];
  db.on('healing-started', () => heard.push('healing-started'));
  await db.open();
  await db.put('a', '1');
  const healed = new Promise<void>((resolve) => db.once('healed', () => resolve()));
  db.fail({ operation: 'write', type: 'journal' });
  await expect(db.put('b', '2')).rejects.toMatchObject({ code: 'ARENA_WRITE_OUTCOME_UNKNOWN' });
  await healed;
  expect(heard).toEqual(['healing-started']);
  await db.put('c', '3', { sync: true });
  expect(await db.get('a')).toBe('1');
});

test('a listener of `write` hears of no write that failed', async () => {
  const db = overFaults();
  await db.open();
  await db.put('a', '1');
  let heard = 0;
  db.on('write', () => heard++);
  db.fail({ operation: 'write', type: 'journal' });
  expect(() => db.putSync('b', '2')).toThrow(
    expect.objectContaining({ code: 'ARENA_WRITE_OUTCOME_UNKNOWN' }),
  );
  expect(heard).toBe(0);
});
