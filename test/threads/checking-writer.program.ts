/** A thread that writes registers of its own in every way there is, through its ring. Started by `checked-run.ts`. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Prng } from '@arena-level/common/base/prng';
import { attach } from 'arena-level/engine';
import type { WriterReport, WriterTask } from './checked-run.ts';
import { REGISTERS, RegisterHistory } from './register-history.ts';
import { operationsOf } from './register-keys.ts';

const { handle, seed, history: shared, stop, writer, writers } = workerData as WriterTask;
const store = attach(handle);
const history = new RegisterHistory(shared);
const stopWord = new Int32Array(stop);
const prng = new Prng(seed);
const problems: string[] = [];
/** Those that no other thread writes. */
const own = Array.from({ length: REGISTERS }, (_, register) => register).filter(
  (register) => register % writers === writer,
);
let writes = 0;

async function writeOne(): Promise<void> {
  const register = own[prng.below(own.length)]!;
  const write = history.begin(register);
  const operations = operationsOf(register, write);
  const dice = prng.below(100);
  writes++;
  if (dice < 40) {
    store.batchSync(operations);
    history.acknowledge(register, write);
  } else {
    const written = store.batch(operations).then(() => history.acknowledge(register, write));
    // Acknowledged some time later, in order; a failure is one of the run.
    written.catch((error: Error) => problems.push(error.stack ?? String(error)));
    if (dice < 60) await written;
    else if (dice < 70) await nextTurn();
  }
}

try {
  while (Atomics.load(stopWord, 0) === 0 && problems.length === 0) await writeOne();
} catch (error) {
  problems.push((error as Error).stack ?? String(error));
}
await store.close();
parentPort!.postMessage({ writes, problems } satisfies WriterReport);
