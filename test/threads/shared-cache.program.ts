/** A thread that does one thing with a shared cache of blocks. Bundled and started by `shared-cache.test.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { MAX_SEQUENCE } from '@arena-level/common/base/limits';
import { Prng } from '@arena-level/common/base/prng';
import type { BEHIND_BLOCK, BlockHit } from '@arena-level/common/block/block-lookup';
import { ImageIndex } from '@arena-level/common/block/image-index';
import { NOT_AT_HAND } from '@arena-level/common/table/block-source';
import { attach, type ThreadHandle } from 'arena-level/engine';
import { layoutOf } from '../../packages/engine/src/cache/shared/cache-layout.ts';
import { CacheShard } from '../../packages/engine/src/cache/shared/cache-shard.ts';
import { SharedBlockCache } from '../../packages/engine/src/cache/shared/shared-block-cache.ts';
import { cacheParticipant } from '../../packages/engine/src/threads/control/handle.ts';
import { type HammerReport, KEYS, keyOf, makeBlock, PLACES, placeOf } from './shared-cache-blocks.ts';

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

/**
 * Gets blocks at random, and looks keys up in them; looks at every byte of what is found, and puts the blocks that are not
 * there.
 */
function hammer({ memory, participant, seed, steps, begin, threads }: Hammer): void {
  const cache = new SharedBlockCache(memory, participant);
  const index = new ImageIndex();
  const prng = new Prng(seed);
  const made = Array.from({ length: PLACES }, (_, place) => makeBlock(place));
  const wrong: string[] = [];
  const counts = { found: 0, answered: 0, absent: 0 };
  arrive(new Int32Array(begin), threads);
  for (let step = 0; step < steps && wrong.length < 20; step++) {
    const place = prng.below(PLACES);
    const { table, block } = placeOf(place);
    const { block: own, values } = made[place]!;
    if (prng.oneIn(3)) {
      const contents = cache.get(table, block);
      if (contents !== undefined) {
        counts.found++;
        if (!Buffer.from(own.contents).equals(contents)) wrong.push(`block ${place}`);
        continue;
      }
    } else {
      const number = prng.below(KEYS);
      const key = keyOf(number);
      const answer = cache.find(table, block, key, 0, key.length, MAX_SEQUENCE);
      if (answer !== NOT_AT_HAND) {
        counts.answered++;
        if (!isRight(answer, number, values[number])) wrong.push(`key ${number} of block ${place}`);
        continue;
      }
    }
    counts.absent++;
    cache.put(table, block, own.contents, index.read(own));
  }
  parentPort!.postMessage({ ...counts, wrong } satisfies HammerReport);
}

function isRight(
  answer: BlockHit | undefined | typeof BEHIND_BLOCK,
  number: number,
  value: string | undefined,
): boolean {
  if (typeof answer !== 'object') return answer === value;
  return (
    answer.sequence === 1 + number && answer.kind === 1 && Buffer.from(answer.valueBytes).toString() === value
  );
}

/** All begin at once: a thread that is done before the next one starts meets nobody. */
function arrive(here: Int32Array, threads: number): void {
  if (Atomics.add(here, 0, 1) + 1 === threads) Atomics.notify(here, 0);
  for (;;) {
    const arrived = Atomics.load(here, 0);
    if (arrived === threads) return;
    Atomics.wait(here, 0, arrived);
  }
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
