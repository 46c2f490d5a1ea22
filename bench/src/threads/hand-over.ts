/** What it costs a thread to hand a batch to the thread that has the store open, one way or another. */
import type { PutOperation, ThreadStore } from '../engines/engine.ts';
import { spread } from '../support/statistics.ts';
import { threadCpu } from '../support/thread-cpu.ts';
import { Dataset } from '../workloads/dataset.ts';
import { InFlight } from './in-flight.ts';
import type { HandOver, HandOverCase, HandOverJob, Transport, Work } from './jobs.ts';
import { packBatch } from './packed-batch.ts';

/**
 * What comes to the owner's port, with keys and values as plain Uint8Array; it answers each, in their order, when it is
 * written.
 */
export type HandedOver = readonly PutOperation[] | ArrayBuffer;

const WARM_UP_SHARE = 0.25;

type Send = (operations: readonly PutOperation[]) => Promise<unknown>;

export class HandOvers implements Work<readonly HandOver[]> {
  readonly #store: ThreadStore;
  readonly #job: HandOverJob;
  readonly #data: Dataset;
  readonly #senders: Readonly<Record<Transport, Send>>;
  /** Of batches that were posted, oldest first. */
  readonly #answers: (() => void)[] = [];

  constructor(store: ThreadStore, job: HandOverJob) {
    const { port, shape } = job;
    this.#store = store;
    this.#job = job;
    this.#data = new Dataset(shape);
    this.#senders = {
      ring: (operations) => store.batch(operations),
      message: (operations) => this.#post(operations, []),
      packed: (operations) => {
        const packed = packBatch(operations);
        return this.#post(packed, [packed]);
      },
    };
    port.on('message', () => this.#answers.shift()!());
  }

  async warmUp(): Promise<void> {
    await this.#measureAll(this.#job.caseMs * WARM_UP_SHARE);
  }

  async run(): Promise<readonly HandOver[]> {
    const costs = await this.#measureAll(this.#job.caseMs);
    this.#job.port.close();
    return costs;
  }

  async #measureAll(caseMs: number): Promise<HandOver[]> {
    const costs: HandOver[] = [];
    for (const [at, one] of this.#job.cases.entries()) costs.push(await this.#measure(one, at + 1, caseMs));
    return costs;
  }

  /** `version` of the values tells the case from those before it. */
  async #measure(one: HandOverCase, version: number, caseMs: number): Promise<HandOver> {
    const operations = this.#operations(one.entries, version);
    const send = this.#senders[one.transport];
    const inFlight = new InFlight(one.inFlight);
    const callMs: number[] = [];
    const cpu = threadCpu();
    const cpuBefore = cpu.read();
    const endMs = performance.now() + caseMs;
    for (let startMs = performance.now(); startMs < endMs; startMs = performance.now()) {
      const answered = send(operations);
      await endOfTurn(() => callMs.push(performance.now() - startMs));
      await inFlight.add(answered);
    }
    await inFlight.end();
    return {
      ...one,
      batches: callMs.length,
      callUs: spread(callMs).median * 1000,
      cpuUs: (cpu.read() - cpuBefore) / 1000 / callMs.length,
      checked: this.#check(one.entries, version),
    };
  }

  #operations(entries: number, version: number): PutOperation[] {
    return Array.from({ length: entries }, (_, record) => {
      const value = this.#data.newValue();
      this.#data.writeValue(value, record, version);
      return { type: 'put', key: this.#data.keyOf(record), value };
    });
  }

  #check(entries: number, version: number): number {
    for (let record = 0; record < entries; record++) {
      this.#data.checkValue(this.#store.getSync(this.#data.keyOf(record)), record, version);
    }
    return entries;
  }

  #post(message: HandedOver, transfer: ArrayBuffer[]): Promise<void> {
    this.#job.port.postMessage(message, transfer);
    return new Promise((answered) => this.#answers.push(answered));
  }
}

/** A ring is written to behind the code of the turn: what was called before this has done so when `then` is called. */
function endOfTurn(then: () => void): Promise<void> {
  return new Promise((resolve) =>
    process.nextTick(() => {
      then();
      resolve();
    }),
  );
}
