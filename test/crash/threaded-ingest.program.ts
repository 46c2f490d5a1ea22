/**
 * Ingests in threads until it is killed. Arguments: directory, `batches` or `tables`, seed, and the first round of tables.
 *
 * Says on standard output, each line written before anything else happens: `opening`, `open <sequence number>`,
 * `begun <round>`, `parsing` and `merging` as it comes along, `done <round>`.
 */
import { open } from 'arena-level/engine';
import { INGEST_OPTIONS } from './ingest-options.ts';
import { say } from './say.ts';
import { BATCHES, records, roundOf, roundRecords } from './threaded-records.ts';

const [directory = '', path = '', seed = '0', firstRound = '0'] = process.argv.slice(2);

async function ingest(): Promise<void> {
  say('opening');
  const store = await open(directory, INGEST_OPTIONS);
  const { lastSequence } = store.stats();
  say(`open ${lastSequence}`);
  const onProgress = ({ phase }: { readonly phase: string }): void => say(phase);
  if (path === 'batches') {
    await store.ingest(records(Number(seed), lastSequence), { ...BATCHES, tables: false, onProgress });
    return;
  }
  for (let round = Number(firstRound); ; round++) {
    say(`begun ${round}`);
    const report = await store.ingest(roundRecords(Number(seed), roundOf(round)), { ...BATCHES, onProgress });
    if (report.path !== 'tables') throw new Error(`round ${round} was written as ${report.path}`);
    say(`done ${round}`);
  }
}

await ingest();
