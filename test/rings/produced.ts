/**
 * What a producing thread writes, and how much of it has to be there: batch i of thread `id` stores two keys of its own
 * and its number under a key that all batches of the thread share. So what is there of a thread must be the first n
 * batches, all whole, n at least the number that was acknowledged.
 */
import { Prng } from '@arena-level/common/base/prng';
import { bytes, text } from '../support/text-bytes.ts';
import type { RingTask } from './ringed-store.ts';

export interface ProducerTask extends RingTask {
  readonly id: number;
  readonly seed: number;
  readonly batches: number;
  /** `mixed`: blocking and asynchronous ones in turn. */
  readonly calls: 'blocking' | 'async' | 'mixed';
  /** One in so many asks for the disk; 0: none. */
  readonly syncOneIn: number;
  /** Longest value. */
  readonly maxValueBytes: number;
  /** A word per thread: how many of its batches are acknowledged. */
  readonly acknowledged: SharedArrayBuffer;
}

export interface ProducerReport {
  readonly acknowledged: number;
  /** Of the first write that failed. */
  readonly code?: string;
  readonly message?: string;
}

export interface Readable {
  getSync(key: Uint8Array): Uint8Array | undefined;
}

export function batchOf(task: Pick<ProducerTask, 'id' | 'seed' | 'maxValueBytes'>, batch: number) {
  const { id } = task;
  return [
    { type: 'put' as const, key: bytes(`${id}:${batch}:a`), value: bytes(contentOf(task, batch)) },
    { type: 'put' as const, key: bytes(`${id}:last`), value: bytes(String(batch)) },
    { type: 'put' as const, key: bytes(`${id}:${batch}:b`), value: bytes(contentOf(task, batch)) },
  ];
}

function contentOf(
  { id, seed, maxValueBytes }: Pick<ProducerTask, 'id' | 'seed' | 'maxValueBytes'>,
  batch: number,
) {
  const prng = new Prng(seed + 1000 * id + batch);
  // Mostly small.
  const length = prng.oneIn(4) ? prng.below(maxValueBytes) : prng.below(Math.min(80, maxValueBytes));
  return `${batch} ${'x'.repeat(length)}`;
}

/** What is wrong with what a store holds of a thread; undefined when nothing is. */
export function problemOf(
  store: Readable,
  task: Pick<ProducerTask, 'id' | 'seed' | 'maxValueBytes' | 'batches'>,
  acknowledged: number,
): string | undefined {
  const { id, batches } = task;
  const last = text(store.getSync(bytes(`${id}:last`)));
  const written = last === undefined ? 0 : Number(last) + 1;
  if (written < acknowledged)
    return `thread ${id}: ${written} batches are there, ${acknowledged} were acknowledged`;
  for (let batch = 0; batch < Math.min(batches, written + 50); batch++) {
    const expected = batch < written ? contentOf(task, batch) : undefined;
    for (const part of ['a', 'b']) {
      const found = text(store.getSync(bytes(`${id}:${batch}:${part}`)));
      if (found !== expected) {
        return `thread ${id}: of ${written} batches, ${part} of batch ${batch} is ${found?.slice(0, 20)}`;
      }
    }
  }
  return undefined;
}
