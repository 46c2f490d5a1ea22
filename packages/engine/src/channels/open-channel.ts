import type { Clock } from '@arena-level/common/base/clock';
import { asError } from '@arena-level/common/base/errors';
import type { RecoveryReport } from '../public/public-types.ts';
import type { Version } from '../version/version.ts';
import { isHeard, newMessageId, publish } from './channels.ts';
import type { OpenReason } from './messages.ts';
import { TroubleList } from './trouble-list.ts';

/** What an open came to. */
export interface Opened {
  readonly recovery: RecoveryReport;
  readonly versions: { readonly current: Pick<Version, 'levels'> };
  readonly writes: { readonly lastSequence: number };
}

/** Tells of an open: what `open` resolves with, and what is to be told of it. */
export async function tellOfOpen<T>(
  location: string,
  isReadOnly: boolean,
  clock: Clock,
  open: () => Promise<{ readonly result: T; readonly opened: Opened }>,
): Promise<T> {
  const reason: OpenReason = isReadOnly ? 'read-only' : 'read-write';
  const head = { location, id: newMessageId(), reason };
  const beganMs = clock.now();
  if (isHeard('arena-level:open')) publish('arena-level:open', { ...head, phase: 'begin' });
  const end = { ...head, phase: 'end' } as const;
  try {
    const { result, opened } = await open();
    if (isHeard('arena-level:open')) {
      const durationMs = clock.now() - beganMs;
      publish('arena-level:open', { ...end, outcome: 'opened', durationMs, ...figuresOf(opened) });
    }
    return result;
  } catch (thrown) {
    const error = asError(thrown);
    const durationMs = clock.now() - beganMs;
    publish('arena-level:open', { ...end, outcome: 'failed', durationMs, error });
    new TroubleList(location, clock, (message) => publish('arena-level:error', message)).note('open', error);
    throw thrown;
  }
}

function figuresOf({ recovery, versions, writes }: Opened): {
  tables: number;
  bytes: number;
  lastSequence: number;
  recovery: RecoveryReport;
} {
  const tables = versions.current.levels.flat();
  return {
    tables: tables.length,
    bytes: tables.reduce((sum, { size }) => sum + size, 0),
    lastSequence: writes.lastSequence,
    recovery,
  };
}
