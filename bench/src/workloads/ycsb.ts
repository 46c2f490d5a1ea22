/** The mixed workloads of the Yahoo! Cloud Serving Benchmark, A to F, over the records of the other workloads. */
import { repeat } from './apply.ts';
import { WrongResult } from './dataset.ts';
import { checkSamples, fillAndSettle } from './fill.ts';
import type { Check, Workload, WorkloadContext } from './workload.ts';
import { Zipf } from './zipf.ts';

type Step = 'read' | 'update' | 'insert' | 'scan' | 'read-modify-write';

interface Mix {
  readonly name: string;
  readonly about: string;
  /** In percent; the rest is `other`. */
  readonly reads: number;
  readonly first: Step;
  readonly other: Step;
  /** Newest records are asked for most, instead of some that are spread over all keys. */
  readonly latest?: boolean;
}

const MAX_SCAN = 100;

const MIXES: readonly Mix[] = [
  {
    name: 'ycsb-a',
    about: '50 % reads, 50 % updates, some keys far more often',
    reads: 50,
    first: 'read',
    other: 'update',
  },
  {
    name: 'ycsb-b',
    about: '95 % reads, 5 % updates, some keys far more often',
    reads: 95,
    first: 'read',
    other: 'update',
  },
  { name: 'ycsb-c', about: 'reads only, some keys far more often', reads: 100, first: 'read', other: 'read' },
  {
    name: 'ycsb-d',
    about: '95 % reads of what is newest, 5 % insertions',
    reads: 95,
    first: 'read',
    other: 'insert',
    latest: true,
  },
  {
    name: 'ycsb-e',
    about: '95 % scans of up to 100 entries, 5 % insertions',
    reads: 95,
    first: 'scan',
    other: 'insert',
  },
  {
    name: 'ycsb-f',
    about: '50 % reads, 50 % read, changed and written back',
    reads: 50,
    first: 'read',
    other: 'read-modify-write',
  },
];

export const YCSB: readonly Workload[] = MIXES.map((mix) => ({
  name: mix.name,
  about: mix.about,
  modes: 'mixed',
  keys: 'random',
  writes: mix.reads < 100,
  prepare: fillAndSettle,
  run: (context) => new YcsbRun(context, mix).run(),
}));

class YcsbRun {
  readonly #context: WorkloadContext;
  readonly #mix: Mix;
  readonly #zipf: Zipf;
  /** Insertions that were acknowledged come first, so that a read never asks for one that is under way. */
  #acknowledged: number;
  #issued: number;
  readonly #done = new Set<number>();

  constructor(context: WorkloadContext, mix: Mix) {
    this.#context = context;
    this.#mix = mix;
    this.#zipf = new Zipf(context.records);
    this.#acknowledged = context.records;
    this.#issued = context.records;
  }

  async run(): Promise<Check> {
    const { prng, reads } = this.#context;
    await repeat(this.#context, reads, (at) =>
      this.#step(prng.below(100) < this.#mix.reads ? this.#mix.first : this.#mix.other, at),
    );
    return () => checkSamples(this.#context, this.#acknowledged, () => undefined);
  }

  async #step(step: Step, at: number): Promise<void> {
    const { data, store } = this.#context;
    if (step === 'insert') return this.#insert();
    const record = this.#draw();
    if (step === 'scan') return this.#scan(record);
    if (step !== 'update') data.checkValue(await store.get(data.keyOf(record)), record);
    if (step === 'read') return;
    await this.#put(record, at + 1);
  }

  #draw(): number {
    const { prng, records } = this.#context;
    const rank = this.#zipf.next(prng);
    // Keys are in no order of records: the records of the first ranks are spread over all keys as they are.
    return this.#mix.latest === true ? this.#acknowledged - 1 - rank : rank % records;
  }

  async #insert(): Promise<void> {
    const record = this.#issued++;
    await this.#put(record, 0);
    this.#done.add(record);
    while (this.#done.delete(this.#acknowledged)) this.#acknowledged++;
  }

  async #put(record: number, version: number): Promise<void> {
    const { data, store } = this.#context;
    const value = data.newValue();
    data.writeValue(value, record, version);
    await store.put(data.keyOf(record), value);
  }

  async #scan(record: number): Promise<void> {
    const { data, prng, store } = this.#context;
    const limit = 1 + prng.below(MAX_SCAN);
    let entries = 0;
    await store.scan({ from: data.keyOf(record), limit }, (_, value) => {
      if (entries++ === 0) data.checkValue(value, record);
    });
    if (entries === 0) throw new WrongResult(`a scan from record ${record} found nothing`);
  }
}
