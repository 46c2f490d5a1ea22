/** What the statistics of an open store tell of MemDBs that are not released. Pure. */
import type { Finding } from '../public/diagnosis.ts';
import type { StoreStats } from '../public/stats.ts';

/** A flush takes a second or two; one that takes longer than this has come to a halt. */
const STUCK_MS = 60_000;

/** Frozen MemDBs whose flush fails or hangs, and flushed ones that somebody still holds. Empty: none is. */
export function diagnoseStats(
  stats: Pick<StoreStats, 'flushes' | 'memtables' | 'arenas' | 'iterators' | 'workers'>,
): Finding[] {
  return [...notFlushed(stats), ...notLetGo(stats)];
}

function notFlushed({ flushes, memtables }: Pick<StoreStats, 'flushes' | 'memtables'>): Finding[] {
  const { failure, oldestMs } = flushes;
  const what = `${memtables.frozen} frozen MemDB${memtables.frozen === 1 ? ' waits' : 's wait'} for the flush`;
  if (failure !== undefined) {
    return [
      finding(
        'problem',
        `${what}, which fails: ${failure}.`,
        'The writes are safe in the journals. Remove the cause, then call resume().',
      ),
    ];
  }
  if (oldestMs < STUCK_MS) return [];
  return [
    finding(
      'warning',
      `${what}; the oldest for ${Math.round(oldestMs / 1000)} s.`,
      'The writes are safe in the journals. Look at stats().workers: a thread that does not answer (running) is given up ' +
        'and its table is built again; a disk that hangs shows in the system log.',
    ),
  ];
}

function notLetGo({
  arenas,
  memtables,
  iterators,
}: Pick<StoreStats, 'arenas' | 'memtables' | 'iterators'>): Finding[] {
  const held = arenas.inUse - memtables.active - memtables.frozen;
  if (held <= 0) return [];
  const what =
    held === 1 ? 'One MemDB is flushed and not released' : `${held} MemDBs are flushed and not released`;
  return iterators > 0
    ? [
        finding(
          'warning',
          `${what}: ${iterators === 1 ? 'an iterator that is' : `${iterators} iterators that are`} open may read from it.`,
          'Close iterators that are not used any more, or iterate them to their end. (Snapshots hold no MemDB.)',
        ),
      ]
    : [
        finding(
          'notice',
          `${what}: a read under way, or a flush thread that was given up and has not ended, has hold of it.`,
          'Nothing, if it passes. Otherwise stats().workers.crashed counts threads that did not answer.',
        ),
      ];
}

function finding(severity: Finding['severity'], words: string, whatToDo: string): Finding {
  return { kind: 'frozen-memdb', severity, file: undefined, words, whatToDo };
}
