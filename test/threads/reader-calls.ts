/** What a test asks of a reader thread. */
export interface Range {
  readonly gte?: string;
  readonly lt?: string;
  readonly reverse?: boolean;
  /** Name of a snapshot. */
  readonly snapshot?: string;
}

export type ControlMethod =
  | 'flush'
  | 'compactRange'
  | 'checkpoint'
  | 'stats'
  | 'masterRoot'
  | 'verify'
  | 'close';

/** What a call of the control plane came to. */
export interface Controlled {
  readonly result: unknown;
  /** All that `onProgress` heard, and the thread it was called in. */
  readonly progress: readonly unknown[];
  readonly threads: readonly number[];
}

export interface Calls {
  attach: [];
  attachAgain: [];
  location: [];
  getSync: [key: string, snapshot?: string];
  get: [key: string, snapshot?: string];
  getMany: [keys: string[]];
  hasSync: [key: string];
  has: [key: string];
  hasMany: [keys: string[]];
  entries: [range: Range];
  entriesSync: [range: Range];
  snapshot: [name: string];
  closeSnapshot: [name: string];
  foreignSnapshot: [];
  /** Iterators have names. */
  openIterator: [range: Range, name?: string];
  next: [count: number, name?: string];
  closeIterator: [name?: string];
  /** Reads a key in a loop that never yields until it has this value; how many reads that took. */
  waitFor: [key: string, value: string];
  block: [];
  /** The same, and reads before anything else happens in the thread. */
  blockAndRead: [key: string];
  put: [key: string, value: string];
  putSync: [key: string, value: string];
  del: [key: string];
  /** From `gte` on, `lt` not included. */
  clear: [range: Range, limit?: number];
  /** The same, right behind a write that is not waited for. */
  putAndClear: [key: string, value: string, range: Range];
  approximateSize: [start: string, end: string];
  delSync: [key: string];
  /** How many of so many writes, which are not waited for, have their answer when the store is closed. */
  putAndClose: [writes: number, value: string];
  close: [];
  /** Calls a method of `control` with these arguments and an `onProgress`, if `hears`. Gives `Controlled`. */
  control: [method: ControlMethod, args?: readonly unknown[], hears?: boolean];
  /** The same, right behind a write that is not waited for. */
  putAndControl: [key: string, value: string, method: ControlMethod, args?: readonly unknown[]];
  /** Closes the attached store in the turn of the call. */
  controlAndClose: [method: ControlMethod];
  exit: [code: number];
  fail: [];
  /** Lets the thread end by itself. */
  leave: [];
}

export type Command = keyof Calls;
export type Call<C extends Command> = Calls[C];

export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly file?: string | undefined;
    readonly offset?: number | undefined;
  };
}
