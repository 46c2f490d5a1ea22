/**
 * Drops iterators and snapshots without closing them, and says when nothing of the engine is held for them any more. Run
 * with --expose-gc.
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
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
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
