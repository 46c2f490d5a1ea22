/** Medians of the runs with several threads, and the words for them. Pure. */
import { medianOf } from '../report/summaries.ts';
import type { HandOverRun } from './hand-over-run.ts';
import type { ThreadIngest } from './ingest-run.ts';
import type { HandOver, Transport } from './jobs.ts';
import type { ReadStage, ReadStageName, ThreadReads } from './read-run.ts';

export const PRODUCERS = [0, 1, 2, 3] as const;
export const READERS = [0, 1, 2] as const;
export const ENTRIES = [1, 10, 100, 1000] as const;
/** Each batch awaited; and so many on their way that the owner need not be woken for each. */
export const IN_FLIGHT = [1, 16] as const;
export const TRANSPORTS: Readonly<Record<Transport, string>> = {
  ring: 'ring',
  message: 'postMessage',
  packed: 'packed, transferred',
};

export function producersText(producers: number): string {
  return producers === 0 ? 'the owner' : threads(producers);
}

export function readersText(readers: number): string {
  return readers === 0 ? 'the owner' : threads(readers);
}

export function inFlightText(inFlight: number): string {
  return inFlight === 1 ? 'each awaited' : `${inFlight} on their way`;
}

function threads(count: number): string {
  return count === 1 ? '1 thread' : `${count} threads`;
}

export function ingestFigure(
  ingests: readonly ThreadIngest[],
  engine: string,
  producers: number,
  figure: (run: ThreadIngest) => number,
): number | undefined {
  return medianOf(
    ingests.filter((run) => run.engine === engine && run.producers === producers),
    figure,
  );
}

export const ingestRateOf = (run: ThreadIngest): number => (run.records * 1000) / run.elapsedMs;
export const settledRateOf = (run: ThreadIngest): number => (run.records * 1000) / run.settledMs;
export const ownerCpuUsOf = (run: ThreadIngest): number => (run.ownerCpuMs * 1000) / run.records;
export const processCpuUsOf = (run: ThreadIngest): number => (run.processCpuMs * 1000) / run.records;

export function stageFigure(
  reads: readonly ThreadReads[],
  engine: string,
  readers: number,
  stage: ReadStageName,
  figure: (stage: ReadStage) => number | undefined,
): number | undefined {
  return medianOf(
    reads.filter((run) => run.engine === engine && run.readers === readers),
    (run) => stageFigureOf(run, stage, figure),
  );
}

export function stageFigureOf(
  { stages }: ThreadReads,
  stage: ReadStageName,
  figure: (stage: ReadStage) => number | undefined,
): number | undefined {
  const found = stages.find(({ name }) => name === stage);
  return found && figure(found);
}

export function handOverFigure(
  handOvers: readonly HandOverRun[],
  transport: Transport,
  entries: number,
  inFlight: number,
  figure: (cost: HandOver) => number,
): number | undefined {
  const costs = handOvers.flatMap((run) => run.costs);
  return medianOf(
    costs.filter(
      (one) => one.transport === transport && one.entries === entries && one.inFlight === inFlight,
    ),
    figure,
  );
}
