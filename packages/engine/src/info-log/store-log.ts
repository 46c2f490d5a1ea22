/** What a store writes to its `LOG`. */

import { wallTime } from '@arena-level/common/base/clock';
import { asError } from '@arena-level/common/base/errors';
import { fileName, INFO_LOG_FILE } from '@arena-level/common/storage/file-desc';
import type { Storage } from '@arena-level/common/storage/storage';
import type { EventSink } from '../events/event-sink.ts';
import type { ResolvedOptions } from '../options/options.ts';
import type { RecoveryReport } from '../public/public-types.ts';
import type { Version } from '../version/version.ts';
import { inWords, lineOfEvent } from './event-lines.ts';
import { InfoLog } from './info-log.ts';

/** The log of a store that is being opened, which from now on has its events. */
export class StoreLog extends InfoLog {
  /** `error`: why the open or the close failed. */
  override async close(error?: unknown): Promise<void> {
    this.write(error === undefined ? 'closed' : `closed after an error: ${inWords(error)}`);
    await super.close();
  }
}

export function beginInfoLog(
  storage: Storage,
  options: ResolvedOptions,
  modules: { readonly storage?: Storage },
  events: EventSink,
): StoreLog {
  const isOn = options.infoLog ?? modules.storage === undefined;
  const onFailure = (error: unknown): void =>
    events.emit('cleanup-failed', { file: fileName(INFO_LOG_FILE), error: asError(error) });
  const log = new StoreLog({ storage, wallTime, onFailure }, isOn ? options.maxInfoLogBytes : 0);
  if (!isOn) return log;
  log.write(`open: ${JSON.stringify(options)}`);
  events.addTrace((name, details) => {
    const line = lineOfEvent(name, details);
    if (line !== undefined) log.write(line);
  });
  return log;
}

/** What the open found and did. Reasons of damage are left out: they might hold keys. */
export function tellOfRecovery(
  log: InfoLog,
  report: RecoveryReport,
  { current, lastSequence }: { readonly current: Version; readonly lastSequence: number },
): void {
  const { created, groups, entries, tablesWritten, tear, lost, removed, damage } = report;
  const tables = current.levels.map((level) => level.length).join(' ');
  log.write(
    `${created ? 'created' : 'recovered'}: last sequence ${lastSequence}, tables by level ${tables}; replayed ${groups} groups, ${entries} entries, into ${tablesWritten} tables`,
  );
  if (tear !== undefined) log.write(`recovery: replay ended at ${tear.file}, offset ${tear.offset}`);
  for (const { file, offset } of damage) log.write(`recovery: damage in ${file} at offset ${offset}`);
  for (const file of lost) log.write(`recovery: moved to lost/: ${file}`);
  for (const file of removed) log.write(`recovery: removed ${file}`);
}
