/** A process that opens a store, does what its second argument says, and comes to the end of its program. */
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { open } from 'arena-level/engine';

const [location, what, workerUrl] = process.argv.slice(2);
const store = await open(location!, {
  writeBufferSize: 256 * 1024,
  maxFrozenMemtables: 1,
  ...(workerUrl === undefined ? {} : { workerUrl }),
});
const value = Buffer.alloc(1000, 'v');
const key = (i: number): Buffer => Buffer.from(`k${i}`);

switch (what) {
  case 'idle':
    await store.put(key(0), value);
    break;
  case 'idle-after-flush':
    // A worker thread has been started, and is idle.
    for (let i = 0; i < 600; i++) store.putSync(key(i), value);
    await store.flush();
    break;
  case 'pending-writes':
    for (let i = 0; i < 2000; i++) void store.put(key(i), value);
    break;
  case 'pending-sync':
    void store.put(key(0), value, { sync: true }).then(() => process.stdout.write('durable'));
    break;
  case 'pending-flush':
    for (let i = 0; i < 100; i++) store.putSync(key(i), value);
    void store.flush().then(() => process.stdout.write('flushed'));
    break;
  case 'compacting':
  case 'settling':
    // Level 0 calls for a compaction.
    for (let table = 0; table < 4; table++) {
      for (let i = 0; i < 200; i++) store.putSync(key(i), value);
      await store.flush();
    }
    // Its worker is to be in the middle of it.
    while (workerUrl !== undefined && !existsSync(`${location}.hangs`)) await setTimeout(5);
    if (what === 'settling') void store.settled().then(() => process.stdout.write('settled'));
    break;
  case 'pending-close':
    for (let i = 0; i < 1000; i++) void store.put(key(i), value);
    void store.close().then(() => process.stdout.write('closed'));
    break;
  case 'exit':
    for (let i = 0; i < 1000; i++) await store.put(key(i), value);
    process.exit(0);
}
