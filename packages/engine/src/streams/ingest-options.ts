import { EngineError, ErrorCode } from '@arena-level/common/base/errors';
import { GIB, KIB } from '@arena-level/common/base/limits';
import { checkCallOptions, FLAG, type OptionKind, SIGNAL } from '../options/call-options.ts';
import type { IngestDatabase } from './stream-database.ts';

export interface IngestOptions {
  /**
   * Bytes of keys and values of one batch; a larger record is a batch of its own. So many bytes are gathered while as many are
   * being written, `maxInFlight` times. 1 to 1 GiB, default 256 KiB.
   */
  readonly batchBytes?: number;
  /** A record waits no longer than this for others of its batch, in milliseconds; Infinity: it does. Default 100. */
  readonly batchMs?: number;
  /** Each batch waits for the disk. Default false. */
  readonly sync?: boolean;
  /**
   * What holds of all records when the stream has finished: `acknowledged` (default) survives the death of the process,
   * `synced` a crash of the machine, `flushed` is in tables.
   */
  readonly durability?: 'acknowledged' | 'synced' | 'flushed';
  /** Ends the stream with LEVEL_ABORTED: what has been handed to the database stays, nothing is added. */
  readonly signal?: AbortSignal;
  /**
   * Batches that are being written at a time. With more than 1 the order of records is kept only by a database that keeps that
   * of its calls, as `Store` does, and behind a batch that fails others may be written. 1 to 64, default 1.
   */
  readonly maxInFlight?: number;
  /** Records that may wait before the producer is asked to pause. 1 to 1,000,000, default 16. */
  readonly highWaterMark?: number;
}

export interface ResolvedIngestOptions {
  readonly batchBytes: number;
  readonly batchMs: number;
  readonly sync: boolean;
  readonly durability: 'acknowledged' | 'synced' | 'flushed';
  readonly signal: AbortSignal | undefined;
  readonly maxInFlight: number;
  readonly highWaterMark: number;
}

const DURABILITIES = ['acknowledged', 'synced', 'flushed'];

/** The longest delay of a timer. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export function integerBetween(least: number, most: number): OptionKind {
  return {
    fits: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    wanted: `an integer from ${least} to ${most}`,
  };
}

/** Checks the options and fills in the defaults. Throws ARENA_INVALID_ARGUMENT naming the option. */
export function resolveIngestOptions(
  target: IngestDatabase<never, never>,
  options: IngestOptions,
): ResolvedIngestOptions {
  if (typeof (target as Partial<typeof target> | null | undefined)?.batch !== 'function') {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      'an ingest stream needs a database, with a method batch',
    );
  }
  checkCallOptions('ingest', options, {
    batchBytes: integerBetween(1, GIB),
    batchMs: {
      fits: (value) =>
        value === Number.POSITIVE_INFINITY ||
        (typeof value === 'number' && value >= 0 && value <= MAX_DELAY_MS),
      wanted: `a number of milliseconds from 0 to ${MAX_DELAY_MS}, or Infinity`,
    },
    sync: FLAG,
    durability: {
      fits: (value) => DURABILITIES.includes(value as string),
      wanted: "'acknowledged', 'synced' or 'flushed'",
    },
    signal: SIGNAL,
    maxInFlight: integerBetween(1, 64),
    highWaterMark: integerBetween(1, 1_000_000),
  });
  const { durability = 'acknowledged' } = options;
  if (durability === 'flushed' && typeof target.flush !== 'function') {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      "ingest option 'durability' must not be 'flushed': the database has no method flush",
    );
  }
  return {
    batchBytes: options.batchBytes ?? 256 * KIB,
    batchMs: options.batchMs ?? 100,
    sync: options.sync ?? false,
    durability,
    signal: options.signal,
    maxInFlight: options.maxInFlight ?? 1,
    highWaterMark: options.highWaterMark ?? 16,
  };
}
