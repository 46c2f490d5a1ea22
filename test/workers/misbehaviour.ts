import { existsSync, writeFileSync } from 'node:fs';

/** What `misbehaving.worker.mjs` can do, and when. */
export type Misbehaviour =
  | 'throws'
  | 'exits'
  | 'waits and exits'
  | 'throws later'
  | 'throws later and never answers'
  | 'runs out of memory'
  | 'hangs'
  | 'answers with text'
  | 'answers nothing'
  | 'answers in another shape'
  | "answers 'empty'"
  | "answers 'cancelled'"
  | 'states too few entries'
  | 'states too many dropped'
  | 'states another size'
  | 'states another root'
  | 'states another number of blocks'
  | 'states a greater smallest key'
  | 'states a lesser largest key'
  | 'leaves the file cut short'
  | 'leaves no file';

/** Before the temporary file is there, in the middle of writing it, or when it is complete and synced. */
export type Stage = 'before' | 'while' | 'after';

/** What can go wrong with one task, and when: each costs an attempt, and no data. */
const CASES: readonly (readonly [Misbehaviour, ...Stage[]])[] = [
  ['throws', 'before', 'while', 'after'],
  ['exits', 'before', 'while', 'after'],
  ['throws later and never answers', 'before', 'after'],
  ['answers with text', 'before', 'after'],
  ['answers nothing', 'after'],
  ['answers in another shape', 'after'],
  ["answers 'empty'", 'before', 'after'],
  ["answers 'cancelled'", 'before', 'after'],
  ['states too few entries', 'after'],
  ['states too many dropped', 'after'],
  ['states another size', 'after'],
  ['states another root', 'after'],
  ['states another number of blocks', 'after'],
  ['states a greater smallest key', 'after'],
  ['states a lesser largest key', 'after'],
  ['leaves the file cut short', 'after'],
  ['leaves no file', 'after'],
];

export const MISBEHAVIOURS: readonly { readonly what: Misbehaviour; readonly stage: Stage }[] = CASES.flatMap(
  ([what, ...stages]) => stages.map((stage) => ({ what, stage })),
);

export const MISBEHAVING_WORKER: URL = new URL('./misbehaving.worker.mjs', import.meta.url);

/** The next `times` flushes, or compactions, of the store in `directory` go wrong. One plan for a store. */
export function planMisbehaviour(
  directory: string,
  misbehaviour: Misbehaviour,
  stage: Stage,
  times = 1,
  task: 'flush' | 'compact' = 'flush',
): void {
  writeFileSync(`${directory}.plan.json`, JSON.stringify({ task, misbehaviour, stage, times }));
}

/** Whether a worker of this store waits to exit by now. */
export function isWaiting(directory: string): boolean {
  return existsSync(`${directory}.waits`);
}

/** Lets it exit. */
export function letExit(directory: string): void {
  writeFileSync(`${directory}.go`, '');
}

/** Whether a worker of this store hangs by now. */
export function isHanging(directory: string): boolean {
  return existsSync(`${directory}.hangs`);
}
