/**
 * Drops iterators and snapshots without closing them, and says when nothing of the engine is held for them any more. Run
 * with --expose-gc.
 */
import { ArenaLevel } from 'arena-level';

const location = process.argv[2]!;
const collect = (globalThis as unknown as { gc(): void }).gc;

/** Turns of the event loop, with collections, until the condition holds. Whoever waits for it sets a limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
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
const { iterators, snapshots } = db.stats();
process.stdout.write(`open: ${iterators} ${snapshots}\n`);
await until(() => db.stats().iterators === 1 && db.stats().snapshots === 1);
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
