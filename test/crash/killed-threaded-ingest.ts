import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Prng } from '@arena-level/common/base/prng';
import { open, type Store } from 'arena-level/engine';
import { bundleForNode } from '../support/bundle.ts';
import { INGEST_OPTIONS } from './ingest-options.ts';
import { contentsText, readContents } from './store-contents.ts';
import { contentsWith, endsBatch, recordAt, roundOf, roundRecords } from './threaded-records.ts';

let program: Promise<string> | undefined;

/** Ingests in threads, by child processes that are killed one after the other in one directory. */
export class KilledThreadedIngest {
  /** Kills that left temporary files, for the next open to remove. */
  leftovers = 0;
  /** Rounds of tables that are there, and that are not although they were begun. */
  stored = 0;
  absent = 0;
  readonly #directory: string;
  readonly #path: 'batches' | 'tables';
  readonly #seed: number;
  readonly #prng: Prng;
  /** Records that were there when an ingest of batches began, the last one last. */
  readonly #starts: number[] = [0];
  #begun = -1;
  /** Rounds that a child said were stored, or that were found to be. */
  readonly #done = new Set<number>();
  #problem: string | undefined;

  constructor(directory: string, path: 'batches' | 'tables', seed: number, prng: Prng) {
    this.#directory = directory;
    this.#path = path;
    this.#seed = seed;
    this.#prng = prng;
  }

  /** Starts a child, kills it at a moment drawn at random, waits until it is gone, and checks what is left. */
  async killOne(): Promise<void> {
    program ??= bundleForNode(new URL('threaded-ingest.program.ts', import.meta.url));
    const args = [await program, this.#directory, this.#path, String(this.#seed), String(this.#begun + 1)];
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
    if (this.#temporaryFiles().length > 0) this.leftovers++;
    await this.#check();
  }

  /** Opens what is left; throws unless it is what it has to be. */
  async #check(): Promise<void> {
    const store = await open(this.#directory, { ...INGEST_OPTIONS, flush: 'inline' });
    try {
      const left = this.#temporaryFiles();
      if (left.length > 0) throw new Error(`temporary files are left: ${left.join(', ')}`);
      if (this.#path === 'batches') this.#checkPrefix(store);
      else this.#checkRounds(store);
      const { differing } = await store.verify();
      if (differing.length > 0) throw new Error(`tables differ: ${JSON.stringify(differing)}`);
      const { damage } = store.recovery;
      if (damage.length > 0) throw new Error(`the open reports damage: ${JSON.stringify(damage)}`);
    } finally {
      await store.close();
    }
  }

  #checkPrefix(store: Store): void {
    const { lastSequence } = store.stats();
    const start = this.#starts.at(-1)!;
    if (lastSequence < start) throw new Error(`${lastSequence} records are there of ${start} before`);
    if (!endsBatch(lastSequence - start)) throw new Error(`a batch is cut: ${lastSequence - start} records`);
    const given = Array.from({ length: lastSequence }, (_, at) => recordAt(this.#seed, at));
    if (contentsText(readContents(store)) !== contentsText(contentsWith(given)))
      throw new Error(`the contents are not those of the first ${lastSequence} records`);
  }

  #checkRounds(store: Store): void {
    const contents = readContents(store);
    this.stored = 0;
    this.absent = 0;
    for (let round = 0; round <= this.#begun; round++) {
      const prefix = roundOf(round);
      const found = new Map([...contents].filter(([key]) => key.startsWith(prefix)));
      for (const key of found.keys()) contents.delete(key);
      if (found.size === 0 && !this.#done.has(round)) {
        this.absent++;
        continue;
      }
      this.stored++;
      if (contentsText(found) !== contentsText(contentsWith(roundRecords(this.#seed, prefix))))
        throw new Error(`round ${round} of ${this.#begun} is there in part: ${found.size} keys`);
      this.#done.add(round);
    }
    if (contents.size > 0) throw new Error(`${contents.size} keys are of no round`);
  }

  #temporaryFiles(): string[] {
    return readdirSync(this.#directory).filter((name) => name.endsWith('.dbtmp'));
  }

  #heard(line: string): void {
    const [word, number] = line.split(' ');
    if (word === 'begun') this.#begun = Number(number);
    if (word === 'done') this.#done.add(Number(number));
    if (word !== 'open' || this.#path === 'tables') return;
    if (Number(number) < this.#starts.at(-1)!) this.#problem = `a child found ${number} records only`;
    this.#starts.push(Number(number));
  }

  /** Kills a while after the store begins to open, a piece was parsed, or tables begin to be put in order. */
  #drawMoment(child: ChildProcess): (line: string) => void {
    const prng = this.#prng;
    const [word, most] = prng.oneIn(6)
      ? ['opening', 1]
      : this.#path === 'tables' && prng.oneIn(2)
        ? ['merging', 3]
        : ['parsing', 120];
    let left = prng.below(most);
    const delayMs = prng.below(word === 'parsing' ? 5 : 60);
    return (line) => {
      if (line === word && left-- === 0) setTimeout(() => void child.kill('SIGKILL'), delayMs);
    };
  }
}
