/**
 * The suite that abstract-level publishes for its implementations, whole: nothing is excluded, and what it leaves out by
 * itself it leaves out for features that are not declared. It runs on databases and, a second time, on sublevels.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import suite from 'abstract-level/test/index.js';
import { ArenaLevel, type OpenOptions } from 'arena-level';
import tape, { type Row } from 'tape';
import { expect, test } from 'vitest';
import { LONG_TEST_MS } from '../support/long-test.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** What classic-level 3.0.0 passes. */
const ASSERTIONS_OF_CLASSIC_LEVEL = 5168;

/** The suite leaves half of its thousand databases open: with arenas of the default size there is no memory for them. */
class SmallArenas extends ArenaLevel {
  override _open(options: OpenOptions): Promise<void> {
    return super._open({ writeBufferSize: 1 << 20, ...options });
  }
}

test(
  'passes the whole suite of abstract-level',
  async () => {
    const directory = temporaryDirectory();
    const databases: SmallArenas[] = [];
    const harness = tape.createHarness();
    // Before the tests are registered: the harness tells a stream what comes after it.
    const rows = harness.createStream({ objectMode: true });
    const asserted: Row[] = [];
    rows.on('data', (row: unknown) => {
      if ((row as Row).type === 'assert') asserted.push(row as Row);
    });
    suite({
      test: harness,
      factory(options) {
        const db = new SmallArenas(join(directory, String(databases.length)), options);
        databases.push(db);
        return db;
      },
    });
    await once(rows, 'end');
    const closings = await Promise.allSettled(databases.map((db) => db.close()));
    // Of what it leaves open, one is locked on purpose, and a sublevel of another.
    const failures = closings.flatMap((closing) => (closing.status === 'rejected' ? [closing.reason] : []));
    for (const { code, cause } of failures) expect(cause?.code ?? code).toBe('LEVEL_STATUS_LOCKED');
    expect(failures).toHaveLength(2);
    expect(asserted.filter(({ ok, skip, todo }) => !ok || skip || todo)).toEqual([]);
    expect(asserted.length).toBeGreaterThanOrEqual(ASSERTIONS_OF_CLASSIC_LEVEL);
  },
  LONG_TEST_MS,
);
