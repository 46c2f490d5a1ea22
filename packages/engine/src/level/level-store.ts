import type { Store } from '../db/store.ts';

/**
 * What a database needs of what it is over: a store, or one that another thread has open. Both have these methods, with the same
 * answers.
 */
export type LevelStore = Pick<
  Store,
  | 'put'
  | 'putSync'
  | 'del'
  | 'delSync'
  | 'batch'
  | 'batchSync'
  | 'clear'
  | 'get'
  | 'getSync'
  | 'getMany'
  | 'has'
  | 'hasSync'
  | 'hasMany'
  | 'iterator'
  | 'snapshot'
  | 'approximateSize'
  | 'close'
>;

/** What is rare, and done in the thread that has the store open, whoever asks for it. */
export type LevelControl = Pick<Store, 'flush' | 'compactRange' | 'masterRoot' | 'verify' | 'checkpoint'>;
