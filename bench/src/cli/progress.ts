import type { Writable } from 'node:stream';

const CLEAR_LINE = '\r\u001b[K';

/** How far a command has come: a live line on a terminal, a line per step elsewhere. */
export class Progress {
  readonly #output: Writable;
  readonly #isTerminal: boolean;
  #steps = 0;
  #step = 0;
  #startMs = 0;
  #head = '';

  constructor(output: Writable, isTerminal: boolean) {
    this.#output = output;
    this.#isTerminal = isTerminal;
  }

  begin(steps: number): void {
    this.#steps = steps;
    this.#step = 0;
    this.#startMs = performance.now();
  }

  /** The next step begins. */
  next(text: string): void {
    this.#head = `[${++this.#step}/${this.#steps}${this.#left()}] `;
    if (this.#isTerminal) this.update(text);
    else this.#output.write(`${this.#head}${text}\n`);
  }

  /** Of the step under way: shown on a terminal only. */
  update(text: string): void {
    if (this.#isTerminal) this.#output.write(`${CLEAR_LINE}${this.#head}${text}`);
  }

  end(): void {
    if (this.#isTerminal) this.#output.write(CLEAR_LINE);
  }

  /** By what the steps before it took; nothing before there was one. */
  #left(): string {
    const done = this.#step - 1;
    if (done === 0) return '';
    const seconds = ((performance.now() - this.#startMs) / 1000 / done) * (this.#steps - done);
    return seconds < 90 ? `, ${Math.ceil(seconds)} s left` : `, ${Math.ceil(seconds / 60)} min left`;
  }
}
