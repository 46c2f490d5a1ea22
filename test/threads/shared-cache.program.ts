/** A thread that does one thing with a shared cache of blocks. Bundled and started by `shared-cache.test.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { Prng } from '@arena-level/common/base/prng';
import { attach, type ThreadHandle } from 'arena-level/engine';
import { layoutOf } from '../../packages/engine/src/cache/shared/cache-layout.ts';
import { CacheShard } from '../../packages/engine/src/cache/shared/cache-shard.ts';
import { SharedBlockCache } from '../../packages/engine/src/cache/shared/shared-block-cache.ts';
import { cacheParticipant } from '../../packages/engine/src/threads/control/handle.ts';
import { contentsOf, type HammerReport, PLACES, placeOf } from './shared-cache-blocks.ts';

export type SharedCacheTask =
  | {
      readonly kind: 'hammer';
      readonly memory: SharedArrayBuffer;
      readonly participant: number;
      readonly seed: number;
      readonly steps: number;
      readonly begin: SharedArrayBuffer;
      readonly threads: number;
    }
  | { readonly kind: 'die with locks'; readonly handle: ThreadHandle; readonly flag: SharedArrayBuffer };

type Hammer = Extract<SharedCacheTask, { readonly kind: 'hammer' }>;
type Die = Extract<SharedCacheTask, { readonly kind: 'die with locks' }>;

/** Asks for blocks at random, looks at every byte of what is found, and puts what is not. */
function hammer({ memory, participant, seed, steps, begin, threads }: Hammer): void {
  const cache = new SharedBlockCache(memory, participant);
  const prng = new Prng(seed);
  const expected = Array.from({ length: PLACES }, (_, place) => contentsOf(place));
  const report: { -readonly [K in keyof HammerReport]: HammerReport[K] } = { found: 0, absent: 0, wrong: [] };
  // All at once: a thread that is done before the next one starts meets nobody.
  const here = new Int32Array(begin);
  if (Atomics.add(here, 0, 1) + 1 === threads) Atomics.notify(here, 0);
  for (;;) {
    const arrived = Atomics.load(here, 0);
    if (arrived === threads) break;
    Atomics.wait(here, 0, arrived);
  }
  for (let step = 0; step < steps; step++) {
    const place = prng.below(PLACES);
    const { table, block } = placeOf(place);
    const contents = cache.get(table, block);
    if (contents === undefined) {
      report.absent++;
      cache.put(table, block, expected[place]!);
    } else if (expected[place]!.equals(contents)) {
      report.found++;
    } else {
      report.wrong = [...report.wrong, place];
      if (report.wrong.length === 20) break;
    }
  }
  parentPort!.postMessage(report satisfies HammerReport);
}

/** Attaches, takes the lock of every shard as its own, and waits for its end. */
function dieWithLocks({ handle, flag }: Die): void {
  const { sharedCache, slot } = handle;
  attach(handle);
  const layout = layoutOf(sharedCache);
  const participant = cacheParticipant(slot);
  const [words, bytes] = [new Int32Array(sharedCache!), new Uint8Array(sharedCache!)];
  for (let number = 0; number < layout.geometry.shards; number++) {
    const shard = new CacheShard(words, bytes, layout, number, layout.participant(participant));
    if (!shard.tryLock(participant + 1)) throw new Error(`somebody has shard ${number}`);
  }
  const flags = new Int32Array(flag);
  Atomics.store(flags, 0, 1);
  Atomics.notify(flags, 0);
  Atomics.wait(flags, 1, 0);
}

const task = workerData as SharedCacheTask;
if (task.kind === 'hammer') hammer(task);
else dieWithLocks(task);
