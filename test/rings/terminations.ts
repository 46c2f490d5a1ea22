/** Threads that are terminated at random moments while they write, and what is left of them. */

import { Prng } from '@arena-level/common/base/prng';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { problemOf } from './produced.ts';
import { type Producer, startProducer } from './producers.ts';
import { openRinged } from './ringed-store.ts';

/** Threads at a time. */
const THREADS = 3;
const CALLS = ['blocking', 'async', 'mixed'] as const;

export interface TerminationPlan {
  readonly seed: number;
  /** Threads to terminate. */
  readonly count: number;
  readonly onProgress?: (terminated: number) => void;
}

export interface TerminationReport {
  readonly terminated: number;
  readonly batches: number;
  readonly problems: readonly string[];
}

export async function runTerminations({
  seed,
  count,
  onProgress,
}: TerminationPlan): Promise<TerminationReport> {
  const prng = new Prng(seed);
  const storage = new MemoryStorage();
  const { store, attach, close } = await openRinged({ writeBufferSize: 128 * 1024 }, { storage });
  const acknowledged = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (count + THREADS));
  const dead: Producer[] = [];
  const alive: Producer[] = [];
  const problems: string[] = [];
  for (let id = 0; dead.length < count; id++) {
    const ringBytes = prng.oneIn(2) ? 128 : 8192;
    const producer = await startProducer(
      attach({ ringBytes }),
      {
        id,
        seed,
        calls: CALLS[prng.below(3)]!,
        batches: 1_000_000,
        syncOneIn: 20,
        // Some are larger than their ring.
        maxValueBytes: 2 * ringBytes,
      },
      acknowledged,
    );
    alive.push(producer);
    if (alive.length < THREADS) continue;
    const [chosen] = alive.splice(prng.below(alive.length), 1);
    await chosen!.reaches(prng.below(200));
    await chosen!.terminate();
    dead.push(chosen!);
    onProgress?.(dead.length);
    // Of the others none may be stuck: one may have died that was about to wake the owner.
    await Promise.all(alive.map((other) => other.reaches(other.acknowledged + 1)));
  }
  await Promise.all(alive.map((producer) => producer.terminate()));
  await close();
  const reopened = await openRinged({}, { storage: new MemoryStorage({ files: storage.snapshot() }) });
  for (const { task, acknowledged: told } of [...dead, ...alive]) {
    const problem = problemOf(reopened.store, task, told);
    if (problem !== undefined) problems.push(problem);
  }
  const { entries } = store.stats().writes;
  await reopened.close();
  return { terminated: dead.length, batches: entries / 3, problems };
}
