import type { Writable } from 'node:stream';
import { count } from '../support/text-table.ts';
import type { RunProgress } from './run.ts';

const QUIET_MS = 5000;
const CLEAR_LINE = '\r\u001b[K';

/** Live line on a terminal; elsewhere a line every few seconds. */
export class RunProgressPrinter {
  readonly #output: Writable;
  readonly #isTerminal: boolean;
  readonly #label: string;
  readonly #records: number;
  #printedMs = 0;

  constructor(output: Writable, isTerminal: boolean, label: string, records: number) {
    this.#output = output;
    this.#isTerminal = isTerminal;
    this.#label = label;
    this.#records = records;
  }

  update({ records, elapsedMs }: RunProgress): void {
    if (!this.#isTerminal && elapsedMs - this.#printedMs < QUIET_MS) return;
    this.#printedMs = elapsedMs;
    const share = records / this.#records;
    const left = (elapsedMs / share - elapsedMs) / 1000;
    const text =
      `${this.#label}  ${count(records)} of ${count(this.#records)} records  ${Math.floor(share * 100)} %  ` +
      `${count((records * 1000) / elapsedMs)}/s  ${left.toFixed(0)} s left`;
    this.#output.write(this.#isTerminal ? CLEAR_LINE + text : `${text}\n`);
  }

  done(text: string): void {
    this.#output.write(`${this.#isTerminal ? CLEAR_LINE : ''}${this.#label}  ${text}\n`);
  }
}
