/** Comes to its end with an open database, in the way that it is told. */
import { ArenaLevel } from 'arena-level';

const [, , location, what] = process.argv as [string, string, string, string];
const db = new ArenaLevel(location, { writeBufferSize: 1 << 20 });

switch (what) {
  case 'opening':
    void db.put('k0', 'v');
    break;
  case 'idle':
    await db.put('k0', 'v');
    break;
  case 'iterating': {
    await db.put('k0', 'v');
    await db.iterator().next();
    db.snapshot();
    break;
  }
  case 'flushing':
  case 'exit-while-flushing': {
    const operations = Array.from({ length: 100 }, (_, i) => ({
      type: 'put' as const,
      key: `k${i}`,
      value: 'v'.repeat(5000),
    }));
    await db.batch(operations);
    const flushed = db.flush();
    if (what === 'exit-while-flushing') process.exit(0);
    void flushed.then(() => process.stdout.write('flushed'));
    break;
  }
  default:
    throw new Error(`unknown: ${what}`);
}
