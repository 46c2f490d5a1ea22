/** Producing threads, as their owner starts and ends them. */
import { Worker } from 'node:worker_threads';
import { bundleForNode } from '../support/bundle.ts';
import type { ProducerReport, ProducerTask } from './produced.ts';
import type { RingTask } from './ringed-store.ts';

const program = bundleForNode(new URL('./producer.program.ts', import.meta.url));

export type ProducerPlan = Partial<Omit<ProducerTask, 'memory' | 'port' | 'acknowledged'>> & {
  readonly id: number;
};

const DEFAULTS = { seed: 1, batches: 500, calls: 'blocking', syncOneIn: 0, maxValueBytes: 300 } as const;

export class Producer {
  readonly task: ProducerTask;
  /** What it says at its end; rejects when it dies before. */
  readonly report: Promise<ProducerReport>;
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #acknowledged: Int32Array;

  constructor(path: string, task: ProducerTask) {
    this.task = task;
    this.#acknowledged = new Int32Array(task.acknowledged);
    this.#worker = new Worker(path, { workerData: task, transferList: [task.port] });
    this.report = new Promise((resolve, reject) => {
      this.#worker.once('message', resolve);
      this.#worker.once('error', reject);
      this.#worker.once('exit', () => reject(new Error(`thread ${task.id} ended without a report`)));
    });
    this.report.catch(() => {});
    this.ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
  }

  get acknowledged(): number {
    return Atomics.load(this.#acknowledged, this.task.id);
  }

  /** Resolves when so many of its batches are acknowledged, or it has ended. */
  async reaches(count: number): Promise<void> {
    let hasEnded = false;
    this.ended.then(() => {
      hasEnded = true;
    });
    while (this.acknowledged < count && !hasEnded)
      await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

export async function startProducer(ring: RingTask, plan: ProducerPlan, acknowledged?: SharedArrayBuffer) {
  const { memory, port } = ring;
  const shared = acknowledged ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * 16);
  return new Producer(await program, { ...DEFAULTS, ...plan, memory, port, acknowledged: shared });
}
