/** A thread that runs abstract-level's suite on databases that are attached, and posts the outcome. */
import { join } from 'node:path';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { AttachedLevel, type ThreadHandle } from 'arena-level';
import { runSuite } from './run-suite.ts';

const { directory, port, answers } = workerData as {
  readonly directory: string;
  /** Gives a handle for a path. */
  readonly port: MessagePort;
  /** Grows with each answer. */
  readonly answers: SharedArrayBuffer;
};
const answered = new Int32Array(answers);

/** Blocks, since the suite wants its databases at once; the owner is in another thread. */
function handleOf(location: string): ThreadHandle {
  port.postMessage(location);
  for (;;) {
    const before = Atomics.load(answered, 0);
    const answer = receiveMessageOnPort(port);
    if (answer !== undefined) return answer.message as ThreadHandle;
    Atomics.wait(answered, 0, before);
  }
}

/** The suite closes databases and opens them again. */
class Reattached extends AttachedLevel {
  #opens = 0;

  protected override nextHandle(): ThreadHandle {
    return this.#opens++ === 0 ? super.nextHandle() : handleOf(this.location);
  }
}

let databases = 0;
const outcome = await runSuite(
  (options) => new Reattached(handleOf(join(directory, String(databases++))), options),
);
parentPort!.postMessage(outcome);
