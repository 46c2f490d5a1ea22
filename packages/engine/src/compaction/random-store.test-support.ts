/** A store at random as sets of entries: written in order, flushed, sunk level by level, and compacted by picks. */
import { LEVELS } from '@arena-level/common/base/limits';
import type { Prng } from '@arena-level/common/base/prng';
import { compareBytes } from '@arena-level/common/bytes/compare';
import {
  compareInternalKeys,
  makeInternalKey,
  readTrailerKind,
  readTrailerSequence,
  TRAILER_BYTES,
  userKeyOf,
} from '@arena-level/common/key/internal-key';
import { ValueKind } from '@arena-level/common/key/value-kind';
import type { UserKeyRange } from '@arena-level/common/protocol/compaction-protocol';
import type { TableMetadata } from '../manifest/table-metadata.ts';
import { adding, levelsOf, picture } from '../version/table.test-support.ts';
import type { Levels } from '../version/version.ts';
import type { CompactionPick } from './compaction-pick.ts';

type InternalKey = Uint8Array;
type Run = readonly InternalKey[];

const sequenceOf = (key: InternalKey): number => readTrailerSequence(key, key.length - TRAILER_BYTES);
const textOf = (key: InternalKey): string => Buffer.from(userKeyOf(key)).toString();
const isTombstone = (key: InternalKey): boolean =>
  readTrailerKind(key, key.length - TRAILER_BYTES) === ValueKind.Delete;

export class RandomStore {
  levels: Levels;
  readonly #prng: Prng;
  readonly #entries = new Map<number, Run>();
  readonly #letters: number;
  /** All entries at or below it may be dropped once shadowed: there is no snapshot, or one. */
  readonly #horizon: number;
  #sequence = 0;
  #number = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
    this.#letters = 3 + prng.below(20);
    const tables: Record<number, TableMetadata[]> = {};
    // The oldest writes lie deepest.
    for (let level = LEVELS - 1; level > 0; level--) {
      if (prng.oneIn(3)) continue;
      tables[level] = this.#cut(this.#write(1 + prng.below(40)));
    }
    tables[0] = Array.from({ length: prng.below(6) }, () => this.#table(this.#write(1 + prng.below(8))));
    this.levels = levelsOf(adding(tables));
    this.#horizon = prng.oneIn(3) ? prng.below(this.#sequence + 1) : this.#sequence;
  }

  randomKey(): Uint8Array {
    const prefix = String.fromCharCode(97 + this.#prng.below(this.#letters));
    return new TextEncoder().encode(prefix + 'xy'.slice(this.#prng.below(3)));
  }

  shown(): string {
    return picture(this.levels).join('\n');
  }

  /** What each user key reads as: now, and at the snapshot. The first level that has a version decides. */
  reads(): Record<string, string> {
    const seen: Record<string, string> = {};
    for (const snapshot of [this.#sequence, this.#horizon]) {
      const decided = new Set<string>();
      for (const run of this.#runsInReadOrder()) {
        for (const key of run) {
          const text = textOf(key);
          if (sequenceOf(key) > snapshot || decided.has(text)) continue;
          decided.add(text);
          if (!isTombstone(key)) seen[`${text} at ${snapshot}`] = `#${sequenceOf(key)}`;
        }
      }
    }
    return seen;
  }

  /** Entries with a newer version of their key in a deeper level. */
  misplaced(): string[] {
    const newest = new Map<string, number>();
    return this.#runsInReadOrder()
      .reverse()
      .flatMap((run) => {
        const wrong = run.filter((key) => (newest.get(textOf(key)) ?? 0) > sequenceOf(key));
        for (const key of run) {
          newest.set(textOf(key), Math.max(newest.get(textOf(key)) ?? 0, sequenceOf(key)));
        }
        return wrong.map((key) => `${textOf(key)}#${sequenceOf(key)}`);
      });
  }

  /** As a worker does it: merge, drop what is shadowed and tombstones with nothing below, cut anywhere. */
  compact(pick: CompactionPick, below: readonly (readonly UserKeyRange[])[]): void {
    const inputs = [...pick.inputs, ...pick.nextInputs];
    const outputs = pick.isTrivialMove ? inputs : this.#cut(this.#merged(inputs, below));
    const tables: Record<number, TableMetadata[]> = {};
    this.levels.forEach((level, at) => {
      const stay = level.filter((table) => !inputs.includes(table));
      tables[at] = at === pick.outputLevel ? stay.concat(outputs) : stay;
    });
    this.levels = levelsOf(adding(tables));
  }

  #merged(inputs: readonly TableMetadata[], below: readonly (readonly UserKeyRange[])[]): Run {
    const all = this.#sorted(inputs);
    return all.filter((key, at) => {
      const before = all[at - 1];
      if (before !== undefined && textOf(before) === textOf(key) && sequenceOf(before) <= this.#horizon) {
        return false;
      }
      const user = userKeyOf(key);
      const isBelow = below
        .flat()
        .some(
          ({ smallest, largest }) => compareBytes(smallest, user) <= 0 && compareBytes(largest, user) >= 0,
        );
      return !isTombstone(key) || sequenceOf(key) > this.#horizon || isBelow;
    });
  }

  /** Each table of level 0, newest first; then one run per level. */
  #runsInReadOrder(): Run[] {
    return this.levels.flatMap((tables, level) =>
      level === 0 ? tables.map((table) => this.#entries.get(table.number)!) : [this.#sorted(tables)],
    );
  }

  #sorted(tables: readonly TableMetadata[]): InternalKey[] {
    return tables.flatMap(({ number }) => this.#entries.get(number)!).sort(compareInternalKeys);
  }

  #write(count: number): Run {
    const run = Array.from({ length: count }, () =>
      makeInternalKey(
        this.randomKey(),
        ++this.#sequence,
        this.#prng.oneIn(3) ? ValueKind.Delete : ValueKind.Put,
      ),
    );
    return run.sort(compareInternalKeys);
  }

  #cut(run: Run): TableMetadata[] {
    const tables: TableMetadata[] = [];
    for (let start = 0; start < run.length; ) {
      const end = start + 1 + this.#prng.below(6);
      tables.push(this.#table(run.slice(start, end)));
      start = end;
    }
    return tables;
  }

  #table(run: Run): TableMetadata {
    const number = ++this.#number;
    this.#entries.set(number, run);
    return { number, size: 3 * run.length, smallest: run[0]!, largest: run.at(-1)! };
  }
}
