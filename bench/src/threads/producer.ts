import type { ThreadStore } from '../engines/engine.ts';
import { InFlight } from './in-flight.ts';
import type { Produced, ProduceJob, Work } from './jobs.ts';
import { LineParser } from './json-lines.ts';

/** Batches of one producer that may be on their way while it parses on, on every engine. */
export const BATCHES_IN_FLIGHT = 8;
/** Parsed and written once more than all others, before the clock starts. */
const WARM_UP_BATCHES = 50;

/** Parses lines and writes them, in a thread or on the owner itself. */
export class Producer implements Work<Produced> {
  readonly #store: Pick<ThreadStore, 'batch'>;
  readonly #job: ProduceJob;

  constructor(store: Pick<ThreadStore, 'batch'>, job: ProduceJob) {
    this.#store = store;
    this.#job = job;
  }

  async warmUp(): Promise<void> {
    await this.#produce(WARM_UP_BATCHES);
  }

  async run(): Promise<Produced> {
    return { records: await this.#produce(Number.POSITIVE_INFINITY) };
  }

  async #produce(batches: number): Promise<number> {
    const { batchRecords, from, text, to } = this.#job;
    const parser = new LineParser(text, from, to);
    const inFlight = new InFlight(BATCHES_IN_FLIGHT);
    let records = 0;
    for (let batch = 0; batch < batches; batch++) {
      const operations = parser.next(batchRecords);
      if (operations.length === 0) break;
      records += operations.length;
      await inFlight.add(this.#store.batch(operations));
    }
    await inFlight.end();
    return records;
  }
}
