import { turns } from '../driver/plan.ts';
import type { Session } from './session.ts';

/** A run that is about to be made, with its words for the progress line. */
export interface Turn<Result> {
  readonly label: string;
  readonly measure: () => Promise<Result>;
}

/** All cases in turns, with progress. Each has fresh directories, which are removed behind it. */
export async function inTurns<Case, Result>(
  { folder, progress }: Session,
  cases: readonly Case[],
  repeat: number,
  turnOf: (one: Case, repetition: number, newStore: () => string) => Turn<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const planned = turns(cases, repeat);
  progress.begin(planned.length);
  for (const { one, repetition } of planned) {
    const locations: string[] = [];
    const newStore = (): string => {
      const location = folder.newStore();
      locations.push(location);
      return location;
    };
    const { label, measure } = turnOf(one, repetition, newStore);
    progress.next(label);
    results.push(await measure());
    for (const location of locations) folder.removeStore(location);
  }
  progress.end();
  return results;
}
