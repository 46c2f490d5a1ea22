/** Hands operations to a store in the mode that is measured. */
import type { Operation } from '../engines/engine.ts';
import type { Mode } from './mode.ts';
import type { WorkloadContext } from './workload.ts';

/** An operation that is filled anew each time its buffers are free again. */
export interface OperationSource<T extends Operation> {
  newSlot(): T;
  /** Makes the slot the operation number `at`. */
  fill(slot: T, at: number): void;
}

/** Applies operations 0 to `count`, or as many as the duration allows: says how many. */
export async function applyAll<T extends Operation>(
  context: WorkloadContext,
  count: number,
  source: OperationSource<T>,
  mode: Mode = context.mode,
): Promise<number> {
  switch (mode.kind) {
    case 'batch':
      return applyBatches(context, count, source, mode.size);
    case 'in-flight':
      return applyInFlight(context, count, source, mode.size);
    default:
      return applyInFlight(context, count, source, 1);
  }
}

async function applyBatches<T extends Operation>(
  { store, meter }: WorkloadContext,
  count: number,
  source: OperationSource<T>,
  size: number,
): Promise<number> {
  const slots = Array.from({ length: Math.min(size, count) }, () => source.newSlot());
  let done = 0;
  while (done < count && !meter.isOver) {
    const length = Math.min(size, count - done);
    const batch = length === slots.length ? slots : slots.slice(0, length);
    for (let at = 0; at < length; at++) source.fill(batch[at]!, done + at);
    const startedMs = performance.now();
    await store.batch(batch);
    meter.timed(startedMs, length);
    done += length;
  }
  return done;
}

async function applyInFlight<T extends Operation>(
  { store, meter }: WorkloadContext,
  count: number,
  source: OperationSource<T>,
  lanes: number,
): Promise<number> {
  let next = 0;
  const lane = async (): Promise<void> => {
    const slot = source.newSlot();
    while (next < count && !meter.isOver) {
      source.fill(slot, next++);
      const startedMs = performance.now();
      if (slot.type === 'put') await store.put(slot.key, slot.value);
      else await store.del(slot.key);
      meter.timed(startedMs, 1);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return next;
}

/** Calls `operation` for 0 to `count`, one after the other or so many at a time, each timed. */
export async function repeat(
  { meter, mode }: WorkloadContext,
  count: number,
  operation: (at: number) => Promise<unknown>,
): Promise<number> {
  const lanes = mode.kind === 'in-flight' ? mode.size : 1;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count && !meter.isOver) {
      const startedMs = performance.now();
      await operation(next++);
      meter.timed(startedMs, 1);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return next;
}
