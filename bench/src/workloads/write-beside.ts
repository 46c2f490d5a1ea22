/** Writes at a fixed rate beside reads that are measured. */
import type { PutOperation } from '../engines/engine.ts';
import { puts } from './fill.ts';
import type { WorkloadContext } from './workload.ts';

const WRITE_BATCH = 100;
/**
 * On their way at most. An engine that answers in a later turn would get one batch in two turns if each were awaited, and
 * reads that block let few turns pass.
 */
const MAX_BATCHES = 64;

/**
 * Hands over the batches that are due, turn by turn, until `stop` is called, which says how many records were written and
 * throws what a write threw. They put what the records have already.
 */
export function writeBeside(context: WorkloadContext): { stop(): Promise<number> } {
  const { records, settings, store } = context;
  const startMs = performance.now();
  const source = puts(
    context,
    (at) => at % records,
    () => 0,
  );
  const newBatch = (): PutOperation[] => Array.from({ length: WRITE_BATCH }, () => source.newSlot());
  const free = Array.from({ length: MAX_BATCHES }, newBatch);
  const pending = new Set<Promise<void>>();
  let written = 0;
  let isStopped = false;
  let failure: unknown;

  const write = async (batch: PutOperation[]): Promise<void> => {
    for (const [at, slot] of batch.entries()) source.fill(slot, written + at);
    written += WRITE_BATCH;
    try {
      await store.batch(batch);
    } catch (error) {
      failure ??= error;
    }
    free.push(batch);
  };
  const run = async (): Promise<void> => {
    while (!isStopped && failure === undefined) {
      const due = Math.floor(((performance.now() - startMs) * settings.writeRate) / 1000);
      while (free.length > 0 && written + WRITE_BATCH <= due) {
        const done: Promise<void> = write(free.pop()!).then(() => void pending.delete(done));
        pending.add(done);
      }
      await new Promise((turned) => setImmediate(turned));
    }
    await Promise.all(pending);
  };
  const running = run();
  return {
    async stop() {
      isStopped = true;
      await running;
      if (failure !== undefined) throw failure;
      return written;
    },
  };
}
