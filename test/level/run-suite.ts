import { once } from 'node:events';
import type { AbstractLevel } from 'abstract-level';
import suite from 'abstract-level/test/index.js';
import tape, { type Row } from 'tape';

export interface SuiteOutcome {
  readonly assertions: number;
  /** Names of assertions that failed, or were left out though they were there. */
  readonly failed: readonly string[];
  /** Codes of what databases said that could not be closed when all was done. */
  readonly notClosed: readonly string[];
}

/** Runs the suite that abstract-level publishes for its implementations on databases of `factory`, each of which is empty. */
export async function runSuite(
  factory: (options?: object) => AbstractLevel<string | Buffer | Uint8Array>,
): Promise<SuiteOutcome> {
  const databases: AbstractLevel<string | Buffer | Uint8Array>[] = [];
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
      const db = factory(options);
      databases.push(db);
      return db;
    },
  });
  await once(rows, 'end');
  const closings = await Promise.allSettled(databases.map((db) => db.close()));
  const failures = closings.flatMap((closing) => (closing.status === 'rejected' ? [closing.reason] : []));
  return {
    assertions: asserted.length,
    failed: asserted.filter(({ ok, skip, todo }) => !ok || skip || todo).map(({ name }) => String(name)),
    notClosed: failures.map(({ code, cause }) => String(cause?.code ?? code)),
  };
}
