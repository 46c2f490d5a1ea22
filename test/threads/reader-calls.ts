/** What a test asks of a reader thread. */
export interface Range {
  readonly gte?: string;
  readonly lt?: string;
  readonly reverse?: boolean;
  /** Name of a snapshot. */
  readonly snapshot?: string;
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
  delSync: [key: string];
  /** How many of so many writes, which are not waited for, have their answer when the store is closed. */
  putAndClose: [writes: number, value: string];
  close: [];
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
  readonly error?: { readonly code: string; readonly message: string };
}
