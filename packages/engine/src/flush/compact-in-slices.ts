/**
 * A compaction on the thread that has other work too: a millisecond of it, then a turn of the event loop. Only the
 * sync of an output takes longer.
 */
import type { Clock } from '@arena-level/common/base/clock';
import { CompactionGuest, CompactionState } from '@arena-level/common/protocol/compaction-control';
import type { CompactionJob, CompactResponse } from '@arena-level/common/protocol/compaction-protocol';
import { toWireError } from '@arena-level/common/protocol/wire-error';
import type { Storage } from '@arena-level/common/storage/storage';
import { Compaction } from '@arena-level/worker-flush/compaction';

const SLICE_MS = 1;

/** Expected failures are answers. Its owner pauses it by not letting the event loop turn. */
export async function compactInSlices(
  job: CompactionJob,
  storage: Storage,
  clock: Clock,
): Promise<CompactResponse> {
  const guest = new CompactionGuest(job);
  let busyMs = 0;
  try {
    const compaction = new Compaction(job, storage, clock);
    for (let isDone = false; !isDone; ) {
      await nextTurn();
      if (guest.state === CompactionState.Cancelled) {
        compaction.abort();
        return { kind: 'cancelled' };
      }
      const began = clock.now();
      do isDone = compaction.step();
      while (!isDone && clock.now() - began < SLICE_MS);
      busyMs += clock.now() - began;
      guest.report(compaction.bytesDone, 0);
    }
    const { syncMs, ...outcome } = compaction.result();
    const timings = { mergeMs: busyMs - syncMs, pausedMs: 0, syncMs, cpuMs: busyMs };
    return { kind: 'compacted', ...outcome, timings };
  } catch (error) {
    return { kind: 'failed', error: toWireError(error) };
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
