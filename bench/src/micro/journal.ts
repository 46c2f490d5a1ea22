/** Journal appends on a real file: one record per group, unsynced, as the write path does. */
import { journalFile } from '@arena-level/common/storage/file-desc';
import { NodeStorage } from '@arena-level/common/storage/node-storage';
import { type Case, check, type Group, timed } from '../measure.ts';
import { engineModule } from '../support/engine-module.ts';
import { WorkFolder } from '../support/work-folder.ts';
import { makeEntries, RECORD_BYTES } from './entries.ts';

type LogWriterModule = typeof import('../../../packages/engine/src/journal/log-writer.ts');

const ENTRIES = 20_000;

export const journalGroup: Group = {
  name: 'Journal append without sync, entries of 116 bytes',
  operation: 'entry',
  async cases() {
    const { LogWriter } = await engineModule<LogWriterModule>('journal/log-writer');
    const { records } = makeEntries('random', ENTRIES);
    const folder = new WorkFolder();
    return [1, 10, 100, 1000].map(
      (groupEntries, at): Case => ({
        name: `groups of ${groupEntries}`,
        sample() {
          const storage = new NodeStorage(folder.path);
          const file = storage.createNow(journalFile(at + 1));
          const log = new LogWriter(file);
          const sample = timed(ENTRIES, () => {
            for (let entry = 0; entry < ENTRIES; entry += groupEntries) {
              log.appendNow(records, entry * RECORD_BYTES, (entry + groupEntries) * RECORD_BYTES);
            }
          });
          check(log.goodSize > ENTRIES * RECORD_BYTES, 'every record is in the journal');
          file.closeNow();
          storage.removeNow(journalFile(at + 1));
          storage.closeNow();
          return sample;
        },
        dispose: () => (at === 0 ? folder.remove() : undefined),
      }),
    );
  },
};
