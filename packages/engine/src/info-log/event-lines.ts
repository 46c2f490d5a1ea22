/**
 * Events as lines of the `LOG`. Of an error its code, system error, file and offset are written, never its message: that of
 * damage may quote keys.
 */
import { errnoOf, isEngineError } from '@arena-level/common/base/errors';
import type { StallReason, StoreEventName, StoreEvents } from '../events/events.ts';

/** Shorter ones of the stalls that may come with every group of writes are left out. */
const SHORT_STALL_MS = 10;
const FREQUENT_STALLS: ReadonlySet<StallReason> = new Set(['slow-journal', 'level0-slowdown']);

type Lines = {
  readonly [N in StoreEventName]?: (details: StoreEvents[N]) => string | undefined;
};

const LINES: Lines = {
  'memtable-frozen': ({ reason, journal, entries, bytes }) =>
    `rotation: journal #${journal}, ${entries} entries, ${bytes} bytes, frozen (${reason})`,
  'memtable-installed': ({ journal, capacityBytes, durationMs }) =>
    `rotation: journal #${journal}, room for ${capacityBytes} bytes, begun in ${ms(durationMs)}`,
  'rotation-failed': ({ journal, error }) => `rotation: journal #${journal} stays: ${inWords(error)}`,
  'flush-started': ({ journal, attempt, where, entries, bytes }) =>
    `flush: journal #${journal}, attempt ${attempt} (${where}), ${entries} entries, ${bytes} bytes`,
  'flush-finished': ({ journal, table, sizeBytes, entries, dropped, durationMs }) =>
    table === undefined
      ? `flush: journal #${journal} was empty, ${ms(durationMs)}`
      : `flush: journal #${journal} became table #${table}: ${sizeBytes} bytes, ${entries} entries, ${dropped} dropped, ${ms(durationMs)}`,
  'flush-failed': ({ journal, attempt, error, retryInMs }) =>
    `flush: journal #${journal}, attempt ${attempt} failed: ${inWords(error)}; ${again(retryInMs)}`,
  'manifest-switched': ({ manifest }) => `manifest: #${manifest} in force`,
  'journal-removed': ({ journal }) => `removed: journal #${journal}`,
  'table-removed': ({ table }) => `removed: table #${table}`,
  'compaction-started': ({ reason, level, outputLevel, inputs, bytes, parts, moves }) =>
    `compaction: level ${level} to ${outputLevel} (${reason}), ${moves ? 'moving' : 'merging'} ${tables(inputs)}: ${bytes} bytes, in ${parts} ${parts === 1 ? 'part' : 'parts'}`,
  'table-compacted': ({ level, table }) => `compaction: table #${table} made for level ${level}`,
  'compaction-finished': ({ level, outputLevel, tables: made, bytesRead, bytesWritten, ...rest }) =>
    `compaction: level ${level} to ${outputLevel} committed: ${made} tables, ${bytesRead} bytes read, ${bytesWritten} written, ${rest.entries} entries, ${rest.dropped} dropped, ${ms(rest.durationMs)}, paused ${ms(rest.pausedMs)}`,
  'compaction-failed': ({ level, outputLevel, error, retryInMs }) =>
    `compaction: level ${level} to ${outputLevel} failed: ${inWords(error)}; ${again(retryInMs)}`,
  'compaction-superseded': ({ level, outputLevel }) =>
    `compaction: level ${level} to ${outputLevel} given up`,
  'clear-started': ({ reason }) => `clear: ${reason}`,
  'clear-failed': ({ error, durationMs }) => `clear: failed after ${ms(durationMs)}: ${inWords(error)}`,
  'range-cleared': ({ tables: dropped, bytes, tombstones, durationMs }) =>
    `clear: ${dropped} tables of ${bytes} bytes dropped, ${tombstones} tombstones, ${ms(durationMs)}`,
  'ingest-started': ({ call, threads }) => `ingest ${call}: begun in ${threads} threads`,
  'table-ingested': ({ call, level, table }) => `ingest ${call}: table #${table} for level ${level}`,
  'ingest-failed': ({ call, error, durationMs }) =>
    `ingest ${call}: failed after ${ms(durationMs)}: ${inWords(error)}`,
  'ingest-finished': ({ call, path, entries, bytes, tables: made, durationMs }) =>
    `ingest ${call}: ${entries} entries of ${bytes} bytes stored by ${path === 'tables' ? `${made} tables` : path}, ${ms(durationMs)}`,
  'stall-begin': ({ reason }) =>
    FREQUENT_STALLS.has(reason) ? undefined : `stall: writers wait (${reason})`,
  'stall-end': ({ reason, durationMs }) =>
    FREQUENT_STALLS.has(reason) && durationMs < SHORT_STALL_MS
      ? undefined
      : `stall: writers waited ${ms(durationMs)} (${reason})`,
  'cleanup-failed': ({ file, error }) => `cleanup: ${file} failed: ${inWords(error)}`,
  'thread-attached': ({ thread, name }) => `threads: ${name} (${thread}) attached`,
  'thread-left': ({ thread, name, wasClosed }) =>
    `threads: ${name} (${thread}) ${wasClosed ? 'closed' : 'ended'}`,
  'thread-revoked': ({ thread, name, silentMs, snapshots, views }) =>
    `threads: ${name} (${thread}) given up after ${ms(silentMs)} of silence, with ${snapshots} snapshots and ${views} old views`,
  'writes-stopped': ({ error }) => `writes stopped: ${inWords(error)}`,
  'healing-started': ({ error }) => `healing: ${inWords(error)}`,
  healed: ({ durationMs }) => `healed in ${ms(durationMs)}`,
};

/** Undefined for an event that is not worth a line. */
export function lineOfEvent<N extends StoreEventName>(name: N, details: StoreEvents[N]): string | undefined {
  return LINES[name]?.(details);
}

/** What is known of an error that cannot be a key or a value. */
export function inWords(error: unknown): string {
  if (!isEngineError(error)) return error instanceof Error ? error.name : 'an unknown error';
  const errno = errnoOf(error);
  const system = errno === undefined ? '' : ` (${errno})`;
  const file = error.file === undefined ? '' : ` in ${error.file}`;
  const offset = error.offset === undefined ? '' : ` at offset ${error.offset}`;
  return `${error.code}${system}${file}${offset}`;
}

function tables(numbers: readonly number[]): string {
  return `tables ${numbers.map((number) => `#${number}`).join(' ')}`;
}

function again(retryInMs: number): string {
  return retryInMs === Number.POSITIVE_INFINITY ? 'not tried again' : `tried again in ${retryInMs} ms`;
}

function ms(durationMs: number): string {
  return `${durationMs.toFixed(1)} ms`;
}
