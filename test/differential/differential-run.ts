/**
 * One seed: its operations, played on a store with options from the same seed, on LevelDB, and on a model. What differs
 * is shrunk: operations are left out as long as something still differs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '@arena-level/common/base/prng';
import { MemDbKind } from '@arena-level/common/memdb/memdb';
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import type { OpenOptions } from 'arena-level/engine';
import { LevelContender } from './level-contender.ts';
import { type Operation, randomOperations } from './operations.ts';
import { type CompactionFigures, OurContender } from './our-contender.ts';
import { Player } from './player.ts';

export interface Setting {
  readonly options: OpenOptions;
  readonly inMemory: boolean;
  /** Whether LevelDB plays along. */
  readonly withLevelDb: boolean;
}

export interface PlayedRun {
  readonly digests: readonly string[];
  readonly figures: CompactionFigures;
}

const KIB = 1024;
/** A run that takes longer hangs: it is to be reported as one, with its seed. */
const HANGS_AFTER_MS = 120_000;

/** Tiny stores, so that few writes fill many levels. */
export function randomSetting(prng: Prng): Setting {
  const flush = prng.oneIn(6) ? 'worker' : 'inline';
  return {
    options: {
      flush,
      compactionWorkers: 1 + prng.below(2),
      writeBufferSize: 4 * KIB * (1 + prng.below(4)),
      maxFrozenMemtables: 1 + prng.below(3),
      memtable: prng.oneIn(2) ? MemDbKind.Hash : MemDbKind.Skiplist,
      maxFileSize: 4 * KIB,
      level1Size: 8 * KIB * (1 + prng.below(2)),
      levelSizeMultiplier: 2 + prng.below(3),
      level0CompactionTrigger: 2 + prng.below(3),
      autoCompaction: !prng.oneIn(8),
      seekCompaction: prng.oneIn(2),
      compression: prng.oneIn(2) ? 'none' : 'snappy',
      blockSize: 256 << prng.below(5),
      blockRestartInterval: 1 + prng.below(16),
      bloomBitsPerKey: prng.oneIn(3) ? 0 : 10,
      cacheSize: prng.oneIn(3) ? 0 : 16 * KIB,
      maxOpenFiles: prng.oneIn(3) ? 1 : 100,
      maxManifestSize: 4 * KIB * (1 + prng.below(8)),
    },
    inMemory: flush === 'inline' && !prng.oneIn(4),
    withLevelDb: true,
  };
}

/** Plays what a seed gives. Throws what differed, with all that it takes to repeat it. */
export async function playSeed(seed: number, count: number, shrinkMs: number): Promise<PlayedRun> {
  const prng = new Prng(seed);
  const setting = randomSetting(prng);
  return playOrShrink(randomOperations(prng, count), setting, `SEED=${seed}`, shrinkMs);
}

export async function playOrShrink(
  operations: readonly Operation[],
  setting: Setting,
  title: string,
  shrinkMs: number,
): Promise<PlayedRun> {
  try {
    return await playAll(operations, setting);
  } catch (error) {
    const smallest = await shrink(operations, setting, error as FailedRun, shrinkMs);
    const list = smallest.operations.map((operation) => JSON.stringify(operation)).join('\n');
    throw new Error(
      `${title}: ${String(error)}\n${JSON.stringify(setting)}\n` +
        `shrunk to ${smallest.operations.length} operations: ${String(smallest.error)}\n${list}`,
      { cause: error },
    );
  }
}

/** A run that came to an end before its time. */
class FailedRun extends Error {
  /** Operations that were played, the one included that failed. */
  readonly played: number;

  constructor(played: number, cause: unknown) {
    super(`operation ${played}: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`, {
      cause,
    });
    this.played = played;
  }
}

/** Throws a FailedRun. */
async function playAll(
  operations: readonly Operation[],
  { options, inMemory, withLevelDb }: Setting,
): Promise<PlayedRun> {
  const directory = mkdtempSync(join(tmpdir(), 'arena-level-differential-'));
  const ours = new OurContender(join(directory, 'ours'), options, {
    minCompactionPartBytes: 1,
    ...(inMemory ? { storage: new MemoryStorage() } : {}),
  });
  const level = withLevelDb ? new LevelContender(join(directory, 'level')) : undefined;
  const player = new Player(level === undefined ? [ours] : [ours, level]);
  let played = 0;
  const all = async (): Promise<void> => {
    await ours.open();
    await level?.open();
    for (const operation of operations) {
      played++;
      await player.play(operation);
    }
    await player.finish();
  };
  try {
    await withoutHanging(all());
  } catch (error) {
    throw new FailedRun(played, error);
  } finally {
    await withoutHanging(Promise.allSettled([ours.close(), level?.close()])).catch(() => {});
    rmSync(directory, { recursive: true, force: true });
  }
  return { digests: player.digests, figures: ours.figures };
}

/** Leaves out ever smaller pieces of the operations, each for good if the rest still fails, for as long as there is time. */
async function shrink(
  operations: readonly Operation[],
  setting: Setting,
  failure: FailedRun,
  shrinkMs: number,
): Promise<{ readonly operations: readonly Operation[]; readonly error: FailedRun }> {
  const until = performance.now() + shrinkMs;
  let smallest = { operations: operations.slice(0, failure.played), error: failure };
  let piece = smallest.operations.length >> 1;
  for (let at = 0; piece >= 1 && performance.now() < until; ) {
    const fewer = smallest.operations.toSpliced(at, piece);
    const error = await playAll(fewer, setting).then(
      () => undefined,
      (found: FailedRun) => found,
    );
    if (error !== undefined) smallest = { operations: fewer.slice(0, error.played), error };
    else at += piece;
    if (at < smallest.operations.length) continue;
    at = 0;
    piece >>= 1;
  }
  return smallest;
}

async function withoutHanging<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no end after ${HANGS_AFTER_MS} ms: it hangs`)),
      HANGS_AFTER_MS,
    );
  });
  try {
    return await Promise.race([work, hangs]);
  } finally {
    clearTimeout(timer);
  }
}
