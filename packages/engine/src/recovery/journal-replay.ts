import { corruption, EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { runLater, type Steps } from '@arena-level/common/base/steps';
import { type FileDesc, fileName, journalFile } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import { BATCH_HEADER_BYTES, validateBatch } from '../journal/batch-codec.ts';
import { readLog } from '../journal/log-reader.ts';

/** Something wrong in a journal, and where. */
export interface JournalProblem {
  readonly file: string;
  readonly offset: number;
  readonly reason: string;
}

export interface ReplayResult {
  readonly groups: number;
  readonly entries: number;
  /** Where replay ended early. What lies behind was never promised, or (under `truncate`) given up. */
  readonly tear: JournalProblem | undefined;
  /** Journals that lie behind the tear as a whole. */
  readonly behindTear: readonly FileDesc[];
  /** The journal in which the tear is, when something of it was replayed, or it is the first one. */
  readonly torn: FileDesc | undefined;
  /** Damage that was stepped over or cut off, as the caller asked. */
  readonly damage: readonly JournalProblem[];
}

export interface ReplayOptions {
  /** `stop`: damage is an error. `truncate`: replay ends there. `skip`: it goes on behind it, as LevelDB does. */
  readonly recover: 'stop' | 'truncate' | 'skip';
}

/** Where the records of journals go. */
export interface ReplayTarget {
  /** The greatest sequence number seen. */
  readonly lastSequence: number;
  /** Takes the records of one checked batch. */
  insert(records: Uint8Array, start: number, end: number, entries: number, firstSequence: number): void;
  /** Called between two reads of a journal, and behind it. */
  buildFull(): Steps<void>;
}

/** Ends the replay of a journal from inside its reader. */
class ReplayEnd extends Error {
  readonly offset: number;

  constructor(offset: number, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

/**
 * Replays journals in order into `sink`, whatever their sequence numbers, as LevelDB does, up to the first tear.
 *
 * A tear is what a crash of the machine leaves: a record that is not whole, or, between two journals, a gap that
 * the opening record of the second one shows (`live-journal.ts`). Nothing behind it is replayed, later journals
 * included, so that what comes back is a prefix of what was written.
 */
export async function replayJournals(
  storage: Storage,
  numbers: readonly number[],
  sink: ReplayTarget,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const damage: JournalProblem[] = [];
  let groups = 0;
  let entries = 0;
  for (let i = 0; i < numbers.length; i++) {
    const journal = journalFile(numbers[i]!);
    const one = await replayOne(storage, journal, sink, options, damage);
    groups += one.groups;
    entries += one.entries;
    await runLater(sink.buildFull());
    if (one.tear === undefined) continue;
    // The first one stays in its place until a commit no longer names it: a crash before that finds it there.
    const stays = one.tear.offset > 0 || i === 0;
    return {
      groups,
      entries,
      tear: one.tear,
      behindTear: numbers.slice(stays ? i + 1 : i).map(journalFile),
      torn: stays ? journal : undefined,
      damage,
    };
  }
  return { groups, entries, tear: undefined, behindTear: [], torn: undefined, damage };
}

function unsupported(reason: string, file: string, offset: number): EngineError {
  return new EngineError(ErrorCode.NotSupported, `${file} at offset ${offset}: ${reason}`, { file, offset });
}

async function replayOne(
  storage: Storage,
  journal: FileDesc,
  sink: ReplayTarget,
  { recover }: ReplayOptions,
  damage: JournalProblem[],
): Promise<{ readonly groups: number; readonly entries: number; readonly tear: JournalProblem | undefined }> {
  const name = fileName(journal);
  const file = await storage.openRead(journal);
  let groups = 0;
  let entries = 0;
  let isFirst = true;
  const problemAt = (offset: number, reason: string): JournalProblem => ({ file: name, offset, reason });

  const onRecord = (bytes: Uint8Array, start: number, end: number, offset: number): void => {
    const batch = validateBatch(bytes, start, end);
    if (batch.kind !== 'valid') {
      // Not damage: whatever was asked for in case of damage, nothing sound is left out.
      if (batch.kind === 'unsupported') throw unsupported(batch.reason, name, offset);
      if (recover === 'stop') throw corruption(batch.reason, name, offset);
      damage.push(problemAt(offset, batch.reason));
      if (recover === 'truncate') throw new ReplayEnd(offset, batch.reason);
      return;
    }
    const count = batch.puts + batch.deletes;
    const isGap = isFirst && count === 0 && batch.sequence > sink.lastSequence + 1;
    // Who asked to skip damage has asked for what lies behind it, too.
    if (isGap && recover !== 'skip') {
      throw new ReplayEnd(
        0,
        `the writes ${sink.lastSequence + 1} to ${batch.sequence - 1} before this journal are missing`,
      );
    }
    isFirst = false;
    if (count === 0) return;
    sink.insert(bytes, start + BATCH_HEADER_BYTES, end, count, batch.sequence);
    groups++;
    entries += count;
  };

  try {
    const drops =
      recover === 'skip'
        ? {
            onDrop: (drop: { offset: number; reason: string }) =>
              void damage.push(problemAt(drop.offset, drop.reason)),
          }
        : {};
    const end = await runLater(readLog(file, onRecord, drops, () => sink.buildFull()));
    if (end.kind === 'end') return { groups, entries, tear: undefined };
    if (end.kind === 'damage') {
      if (recover === 'stop') throw corruption(`${end.reason} (see option 'recover')`, name, end.offset);
      damage.push(problemAt(end.offset, end.reason));
    }
    return { groups, entries, tear: problemAt(end.offset, end.reason) };
  } catch (error) {
    if (error instanceof ReplayEnd) return { groups, entries, tear: problemAt(error.offset, error.message) };
    throw error;
  } finally {
    file.closeNow();
  }
}
