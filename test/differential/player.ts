/** Plays operations on a model and on stores, and compares all that can be seen. */
import { createHash } from 'node:crypto';
import type { Contender } from './contender.ts';
import { type Operation, SLOTS } from './operations.ts';
import { type ModelEntry, ModelIterator, type Moment, SortedModel } from './sorted-model.ts';

export class Difference extends Error {}

export class Player {
  /** Of everything, at each check: the same for all stores that play the same operations. */
  readonly digests: string[] = [];
  readonly #contenders: readonly Contender[];
  readonly #model = new SortedModel();
  readonly #snapshots: (Moment | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #iterators: (ModelIterator | undefined)[] = new Array(SLOTS).fill(undefined);

  constructor(contenders: readonly Contender[]) {
    this.#contenders = contenders;
  }

  async play(operation: Operation): Promise<void> {
    switch (operation.do) {
      case 'put':
      case 'del':
        return this.#write([operation.change], operation);
      case 'batch':
        return this.#write(operation.changes, operation);
      case 'open-snapshot':
        return this.#openSnapshot(operation.slot);
      case 'read-snapshot':
        return this.#readSnapshot(operation.slot);
      case 'close-snapshot':
        return this.#closeSnapshot(operation.slot);
      case 'open-iterator':
        return this.#openIterator(operation);
      case 'step-iterator':
        return this.#stepIterator(operation.slot, operation.steps, operation.blocks);
      case 'seek-iterator':
        return this.#seekIterator(operation.slot, operation.target);
      case 'close-iterator':
        return this.#closeIterator(operation.slot);
      case 'get-many':
        return this.#getMany(operation.keys, operation.snapshot);
      case 'compact':
        return this.#each((one) => one.compact(operation.start, operation.end, operation.awaited));
      case 'reopen':
        return this.#reopen();
      case 'check':
        return this.check();
      default:
        return this.#each((one) => one[operation.do as 'flush' | 'rotate' | 'turn']());
    }
  }

  /** Compares everything, now and in all snapshots. */
  async check(): Promise<void> {
    const now = this.#model.moment();
    await this.#compareContents(now, undefined);
    const hash = createHash('sha256');
    for (const [key, value] of now.entries)
      hash.update(`${key.length} ${value.length} ${key}`, 'latin1').update(value);
    this.digests.push(hash.digest('hex'));
    for (let slot = 0; slot < SLOTS; slot++) await this.#readSnapshot(slot);
    await this.#each((one) => one.turn());
  }

  /** Everything is compared, let go of, and compared again in the stores as they are after that. */
  async finish(): Promise<void> {
    await this.check();
    await this.#letGo();
    await this.#each((one) => one.finish());
    await this.check();
    await this.#each((one) => one.reopen());
    await this.check();
  }

  async #each(act: (contender: Contender) => Promise<void> | void): Promise<void> {
    for (const contender of this.#contenders) await act(contender);
  }

  async #write(
    changes: Parameters<Contender['write']>[0],
    options: { readonly sync: boolean; readonly blocks: boolean },
  ): Promise<void> {
    this.#model.apply(changes);
    await this.#each((one) => one.write(changes, options));
  }

  async #openSnapshot(slot: number): Promise<void> {
    await this.#closeSnapshot(slot);
    this.#snapshots[slot] = this.#model.moment();
    await this.#each((one) => one.openSnapshot(slot));
  }

  async #readSnapshot(slot: number): Promise<void> {
    const moment = this.#snapshots[slot];
    if (moment !== undefined) await this.#compareContents(moment, slot);
  }

  async #closeSnapshot(slot: number): Promise<void> {
    if (this.#snapshots[slot] === undefined) return;
    this.#snapshots[slot] = undefined;
    await this.#each((one) => one.closeSnapshot(slot));
  }

  async #openIterator({ slot, range, snapshot }: Extract<Operation, { do: 'open-iterator' }>): Promise<void> {
    await this.#closeIterator(slot);
    const of = this.#snapshotOrNow(snapshot);
    this.#iterators[slot] = new ModelIterator(of.moment, range);
    await this.#each((one) => one.openIterator(slot, range, of.snapshot));
  }

  async #stepIterator(slot: number, steps: number, blocks: boolean): Promise<void> {
    const iterator = this.#iterators[slot];
    if (iterator === undefined) return;
    const expected = iterator.take(steps);
    await this.#each(async (one) =>
      compare(await one.stepIterator(slot, steps, blocks), expected, `${one.name}, iterator ${slot}`),
    );
  }

  async #seekIterator(slot: number, target: string): Promise<void> {
    const iterator = this.#iterators[slot];
    if (iterator === undefined) return;
    iterator.seek(target);
    await this.#each((one) => one.seekIterator(slot, target));
  }

  async #closeIterator(slot: number): Promise<void> {
    if (this.#iterators[slot] === undefined) return;
    this.#iterators[slot] = undefined;
    await this.#each((one) => one.closeIterator(slot));
  }

  async #getMany(keys: readonly string[], slot: number | undefined): Promise<void> {
    const { moment, snapshot } = this.#snapshotOrNow(slot);
    const pairs = (values: readonly (Uint8Array | undefined)[]): ModelEntry[] =>
      keys.flatMap((key, i): ModelEntry[] => (values[i] === undefined ? [] : [[key, values[i]]]));
    const expected = pairs(keys.map((key) => moment.values.get(key)));
    await this.#each(async (one) =>
      compare(pairs(await one.getMany(keys, snapshot)), expected, `${one.name}, gets of ${shown(snapshot)}`),
    );
  }

  async #reopen(): Promise<void> {
    await this.#letGo();
    await this.#each((one) => one.reopen());
    await this.#compareContents(this.#model.moment(), undefined);
  }

  async #letGo(): Promise<void> {
    for (let slot = 0; slot < SLOTS; slot++) {
      await this.#closeIterator(slot);
      await this.#closeSnapshot(slot);
    }
  }

  async #compareContents(moment: Moment, snapshot: number | undefined): Promise<void> {
    await this.#each(async (one) => {
      const what = `${one.name}, contents of ${shown(snapshot)}`;
      compare(await one.contents(false, snapshot), moment.entries, what);
      compare((await one.contents(true, snapshot)).reverse(), moment.entries, `${what} in reverse`);
    });
  }

  #snapshotOrNow(slot: number | undefined): { moment: Moment; snapshot: number | undefined } {
    const moment = slot === undefined ? undefined : this.#snapshots[slot];
    return moment === undefined
      ? { moment: this.#model.moment(), snapshot: undefined }
      : { moment, snapshot: slot };
  }
}

function compare(found: readonly ModelEntry[], expected: readonly ModelEntry[], what: string): void {
  const length = Math.max(found.length, expected.length);
  for (let i = 0; i < length; i++) {
    const [is, shouldBe] = [found[i], expected[i]];
    if (
      is !== undefined &&
      shouldBe !== undefined &&
      is[0] === shouldBe[0] &&
      Buffer.compare(is[1], shouldBe[1]) === 0
    )
      continue;
    throw new Difference(
      `${what}: entry ${i} of ${found.length} is ${entryText(is)}, of ${expected.length} expected ${entryText(shouldBe)}`,
    );
  }
}

function entryText(entry: ModelEntry | undefined): string {
  if (entry === undefined) return 'missing';
  const [key, value] = entry;
  return `${JSON.stringify(key)} → ${value.length} bytes ${Buffer.from(value.subarray(0, 16)).toString('hex')}`;
}

function shown(snapshot: number | undefined): string {
  return snapshot === undefined ? 'now' : `snapshot ${snapshot}`;
}
