/** What threads are to reach, beside what they did. Pure. */
import type { ThreadsReport } from '../report/bench-report.ts';
import { decimal } from '../support/text-table.ts';
import { ENTRIES, handOverFigure, IN_FLIGHT, READERS, readersText, stageFigure } from './figures.ts';
import type { ReadStageName } from './read-run.ts';

export interface Goal {
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly isMet: boolean;
}

const LEAST_READ_SHARE = 0.7;
const MOST_SLOWDOWN = 0.15;
const LEAST_TIMES_CLASSIC = 2;
const MULTITHREADED_PEER = 'classic-level';
const IN_THREADS: readonly number[] = READERS.filter((readers) => readers > 0);
const READ_STAGES: readonly (readonly [ReadStageName, string])[] = [
  ['idle', 'the owner idle'],
  ['paced', 'the owner writing'],
];

type Measured = Pick<ThreadsReport, 'engines' | 'handOvers' | 'reads'>;

/** Of each engine of ours; goals whose figures were not measured are left out. */
export function goalsOf(report: Measured): Goal[] {
  const own = report.engines.filter(({ kind }) => kind === 'own').map(({ name }) => name);
  return [
    ...own.flatMap((engine) => [
      ...ownRateGoals(report, engine),
      ...slowdownGoals(report, engine),
      ...crowdedGoals(report, engine),
      ...peerGoals(report, engine),
    ]),
    ...handOverGoals(report),
  ];
}

/** Of each thread, against the owner that does nothing but read. */
function ownRateGoals({ reads }: Measured, engine: string): Goal[] {
  const ofOwner = readRate(reads, engine, 0, 'idle');
  return READ_STAGES.flatMap(([stage, words]) =>
    IN_THREADS.flatMap((readers) => {
      const rate = readRate(reads, engine, readers, stage);
      if (rate === undefined || ofOwner === undefined) return [];
      const share = rate / readers / ofOwner;
      return {
        what: `${engine}: reads of ${readersText(readers)}, ${words}: each, of what the owner reads by itself`,
        wanted: `at least ${percent(LEAST_READ_SHARE)}`,
        found: percent(share),
        isMet: share >= LEAST_READ_SHARE,
      };
    }),
  );
}

function slowdownGoals({ reads }: Measured, engine: string): Goal[] {
  const alone = writeRate(reads, engine, 0);
  return IN_THREADS.flatMap((readers) => {
    const beside = writeRate(reads, engine, readers);
    if (beside === undefined || alone === undefined) return [];
    const slowdown = 1 - beside / alone;
    return {
      what: `${engine}: writes of the owner, slowed by the reads of ${readersText(readers)}`,
      wanted: `under ${percent(MOST_SLOWDOWN)}`,
      found: percent(slowdown),
      isMet: slowdown < MOST_SLOWDOWN,
    };
  });
}

/** The same, where cores are fewer than threads: beside threads that take cores and nothing else. */
function crowdedGoals({ reads }: Measured, engine: string): Goal[] {
  return IN_THREADS.flatMap((readers) => {
    const beside = writeRate(reads, engine, readers);
    const crowded = stageFigure(reads, engine, readers, 'crowded', (stage) => stage.writesPerSecond);
    if (beside === undefined || crowded === undefined) return [];
    const slowdown = 1 - beside / crowded;
    return {
      what: `${engine}: the same against ${readersText(readers)} that would compute, and not read`,
      wanted: `under ${percent(MOST_SLOWDOWN)}`,
      found: percent(slowdown),
      isMet: slowdown < MOST_SLOWDOWN,
    };
  });
}

function peerGoals({ reads }: Measured, engine: string): Goal[] {
  return READ_STAGES.flatMap(([stage, words]) =>
    IN_THREADS.flatMap((readers) => {
      const rate = readRate(reads, engine, readers, stage);
      const ofPeer = readRate(reads, MULTITHREADED_PEER, readers, stage);
      if (rate === undefined || ofPeer === undefined) return [];
      const times = rate / ofPeer;
      return {
        what: `${engine}: reads of ${readersText(readers)}, ${words}: of those of ${MULTITHREADED_PEER}`,
        wanted: `at least x ${LEAST_TIMES_CLASSIC}`,
        found: `x ${decimal(times)}`,
        isMet: times >= LEAST_TIMES_CLASSIC,
      };
    }),
  );
}

function handOverGoals({ handOvers }: Measured): Goal[] {
  const inFlight = Math.max(...IN_FLIGHT);
  return ENTRIES.flatMap((entries) => {
    const ring = handOverFigure(handOvers, 'ring', entries, inFlight, ({ callUs }) => callUs);
    const message = handOverFigure(handOvers, 'message', entries, inFlight, ({ callUs }) => callUs);
    if (ring === undefined || message === undefined) return [];
    return {
      what: `a batch of ${entries}: how long a ring keeps its thread`,
      wanted: `under ${decimal(message)} us, as postMessage does`,
      found: `${decimal(ring)} us`,
      isMet: ring < message,
    };
  });
}

function readRate(
  reads: Measured['reads'],
  engine: string,
  readers: number,
  stage: ReadStageName,
): number | undefined {
  return stageFigure(reads, engine, readers, stage, ({ readsPerSecond }) => readsPerSecond);
}

function writeRate(reads: Measured['reads'], engine: string, readers: number): number | undefined {
  return stageFigure(reads, engine, readers, 'flat-out', ({ writesPerSecond }) => writesPerSecond);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
