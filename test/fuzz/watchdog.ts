/**
 * Ends the process when the thread that it watches does not move any more: a loop without end cannot be interrupted
 * from inside, and a test that hangs does not say in which input.
 */
import { Worker } from 'node:worker_threads';

const STUCK_MS = 60_000;
const WATCH = `
  const { workerData } = require('node:worker_threads');
  const words = new Int32Array(workerData.words);
  const text = new Uint8Array(workerData.text);
  for (let last = -1; words[1] === 0; last = Atomics.load(words, 0)) {
    Atomics.wait(words, 1, 0, ${STUCK_MS});
    if (words[1] !== 0 || Atomics.load(words, 0) !== last) continue;
    const end = text.indexOf(0);
    require('node:fs').writeSync(2, 'no end in ' + Buffer.from(text.slice(0, end)).toString() + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }
`;

export class Watchdog {
  readonly #words = new Int32Array(new SharedArrayBuffer(8));
  readonly #text = new Uint8Array(new SharedArrayBuffer(200));
  readonly #worker: Worker;

  constructor() {
    const workerData = { words: this.#words.buffer, text: this.#text.buffer };
    this.#worker = new Worker(WATCH, { eval: true, workerData });
    this.#worker.unref();
  }

  /** What begins now. */
  beat(label: string): void {
    const { written } = new TextEncoder().encodeInto(label, this.#text.subarray(0, -1));
    this.#text[written] = 0;
    Atomics.add(this.#words, 0, 1);
  }

  async stop(): Promise<void> {
    Atomics.store(this.#words, 1, 1);
    Atomics.notify(this.#words, 1);
    await this.#worker.terminate();
  }
}
