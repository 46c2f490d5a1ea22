import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Prng } from '@arena-level/common/base/prng';
import { open } from 'arena-level/engine';
import { bundleForNode } from '../support/bundle.ts';
import { IngestModel } from './ingest-operations.ts';
import { INGEST_OPTIONS } from './ingest-options.ts';
import { contentsText, readContents } from './store-contents.ts';

/** Kills come within 5000 acknowledgements; what the child says beyond that waits in the pipe. */
const MORE_THAN_BEFORE_A_KILL = 1_000_000;

let program: Promise<string> | undefined;

/** An ingest by child processes that are killed, one after the other, in one directory. */
export class KilledIngest {
  /** Operations that some child said were written. */
  acknowledged = 0;
  readonly #directory: string;
  readonly #seed: number;
  readonly #prng: Prng;
  #problem: string | undefined;

  constructor(directory: string, seed: number, prng: Prng) {
    this.#directory = directory;
    this.#seed = seed;
    this.#prng = prng;
  }

  /**
   * Starts a child that has so many operations to write, kills it at a moment drawn at random, and waits until it is
   * gone. Throws when it was not the kill that ended it.
   */
  async killOne(operations = MORE_THAN_BEFORE_A_KILL): Promise<void> {
    program ??= bundleForNode(new URL('ingest.program.ts', import.meta.url));
    const limit = this.acknowledged + operations;
    const args = [await program, this.#directory, String(this.#seed), String(limit)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const killAfter = this.#drawMoment(child);
    for await (const line of createInterface({ input: child.stdout! })) {
      this.#heard(line);
      killAfter(line);
    }
    const [code, signal] = await exited;
    if (signal !== 'SIGKILL') throw new Error(`the ingest ended by itself with ${signal ?? code}`);
    if (this.#problem !== undefined) throw new Error(this.#problem);
  }

  /** Opens what is left; throws unless it is whole. Returns how many operations are there. */
  async check(): Promise<number> {
    const store = await open(this.#directory, { ...INGEST_OPTIONS, flush: 'inline' });
    try {
      const model = new IngestModel(this.#seed);
      const { lastSequence } = store.stats();
      if (!model.advanceTo(lastSequence))
        throw new Error(`a batch is cut at sequence number ${lastSequence}`);
      if (model.operations < this.acknowledged) {
        throw new Error(
          `${model.operations} operations are there, and ${this.acknowledged} were acknowledged`,
        );
      }
      if (contentsText(readContents(store)) !== contentsText(model.contents)) {
        throw new Error(`the contents are not those after ${model.operations} operations`);
      }
      const { differing, root } = await store.verify();
      const masterRoot = await store.masterRoot();
      if (differing.length > 0) throw new Error(`tables differ: ${JSON.stringify(differing)}`);
      if (root === undefined || Buffer.compare(root, masterRoot.root) !== 0)
        throw new Error('the MasterRoot is not that of the tables');
      const { damage } = store.recovery;
      if (damage.length > 0) throw new Error(`the open reports damage: ${JSON.stringify(damage)}`);
      return model.operations;
    } finally {
      await store.close();
    }
  }

  #heard(line: string): void {
    const [word, number] = line.split(' ');
    if (word === 'written') this.acknowledged = Math.max(this.acknowledged, Number(number) + 1);
    if (word === 'open' && Number(number) < this.acknowledged) {
      this.#problem = `a child found ${number} operations, and ${this.acknowledged} were acknowledged`;
    }
  }

  /** Kills while the store is being opened, or at an acknowledgement: one of the first, or any. */
  #drawMoment(child: ChildProcess): (line: string) => void {
    const prng = this.#prng;
    const kill = (): void => void child.kill('SIGKILL');
    if (prng.oneIn(4)) {
      const delayMs = prng.below(40);
      return (line) => {
        if (line === 'opening') setTimeout(kill, delayMs);
      };
    }
    let left = prng.oneIn(3) ? prng.below(20) : prng.below(5000);
    return (line) => {
      if (line.startsWith('written') && left-- === 0) kill();
    };
  }
}
