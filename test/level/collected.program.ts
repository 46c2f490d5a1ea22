/**
 * Drops iterators and snapshots without closing them, and databases that it has closed, and says when nothing is held for them
 * any more. Run with --expose-gc.
 */
import { ArenaLevel } from 'arena-level';

const location = process.argv[2]!;
const collect = (globalThis as unknown as { gc(): void }).gc;

/** So many collections find whatever nobody holds, also on a machine that is busy. */
const COLLECTIONS = 1000;

/** Turns of the event loop, with collections, until the condition holds. Throws what `state` says if it never does. */
async function until(condition: () => boolean, state: () => string): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i === COLLECTIONS) throw new Error(`still open after ${i} collections: ${state()}`);
    // What `deref` gave is held until the turn of the event loop ends.
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }
}

const db = new ArenaLevel(location, { flush: 'inline' });
await db.open();
for (let i = 0; i < 100; i++) await db.put(`k${String(i).padStart(3, '0')}`, 'v');
const sub = db.sublevel('sub');
await sub.put('a', '1');

async function useAndDrop(): Promise<void> {
  for (const iterator of [db.iterator(), db.keys(), db.values(), sub.iterator(), sub.keys()])
    await iterator.next();
  db.snapshot();
  sub.snapshot();
  db.batch();
}

const kept = db.keys();
const keptSnapshot = db.snapshot();
await kept.next();
await useAndDrop();
const open = (): string => `${db.stats().iterators} ${db.stats().snapshots}`;
process.stdout.write(`open: ${open()}\n`);
await until(() => open() === '1 1', open);
process.stdout.write(
  `kept: ${(await kept.all()).length} ${await db.get('k000', { snapshot: keptSnapshot })}\n`,
);

let count = 0;
for await (const _ of db.iterator({ lt: 'l' })) {
  if (count++ % 10 === 0) collect();
}
process.stdout.write(`walked: ${count}\n`);
await db.close();
process.stdout.write('closed\n');

/** Opens, uses and closes a database, of which only this is left. */
async function lived(i: number): Promise<WeakRef<object>> {
  const one = new ArenaLevel(location, { flush: i % 2 === 0 ? 'inline' : 'worker' });
  one.on('flush-finished', () => one.status);
  await one.sublevel('sub').put(`k${i}`, 'v');
  await one.flush();
  await one.iterator().next();
  one.snapshot();
  await one.close();
  return new WeakRef(one);
}

const databases: WeakRef<object>[] = [];
for (let i = 0; i < 20; i++) databases.push(await lived(i));
const left = (): number => databases.filter((one) => one.deref() !== undefined).length;
await until(
  () => left() === 0,
  () => `${left()} databases that were closed`,
);
process.stdout.write('gone\n');
