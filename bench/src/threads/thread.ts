/** The program of a thread: attaches to the store, does its job as often as it is told to, closes the store. */
import { parentPort, workerData } from 'node:worker_threads';
import { engineNamed } from '../engines/all-engines.ts';
import type { ThreadStore } from '../engines/engine.ts';
import { Computer } from './computer.ts';
import { HandOvers } from './hand-over.ts';
import type { Job, JobKind, Jobs, Order, ThreadStart, Told, Work } from './jobs.ts';
import { Producer } from './producer.ts';
import { Reader } from './reader.ts';

function workOf(store: ThreadStore, job: Job): Work<Jobs[JobKind]['result']> {
  switch (job.kind) {
    case 'produce':
      return new Producer(store, job);
    case 'read':
      return new Reader(store, job);
    case 'compute':
      return new Computer(job);
    case 'hand-over':
      return new HandOvers(store, job);
  }
}

function tell(message: Told): void {
  parentPort!.postMessage(message);
}

async function obey(order: Order): Promise<void> {
  switch (order) {
    case 'warm-up':
      await work.warmUp();
      tell({ kind: 'warm' });
      break;
    case 'go':
      tell({ kind: 'result', result: await work.run() });
      break;
    case 'end':
      await store.close();
      parentPort!.close();
  }
}

const { engine, job, pass, setup } = workerData as ThreadStart;
const { attach } = engineNamed(engine);
if (attach === undefined) throw new Error(`threads cannot share a store of ${engine}`);
const store = await attach(setup, pass);
const work = workOf(store, job);
parentPort!.on('message', (order: Order) => obey(order));
await obey('warm-up');
