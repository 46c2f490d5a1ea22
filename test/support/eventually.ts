/** Turns of the event loop after which something that needs no other thread has happened, or never will. */
const MANY_TURNS = 2_000;

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets what this thread has begun come to rest: for storages and executors that work on this thread. */
export async function settle(turns = 10): Promise<void> {
  for (let i = 0; i < turns; i++) await nextTurn();
}

/** Resolves when `condition` holds; rejects after many turns of the event loop. For work on this thread. */
export async function eventually(condition: () => boolean, what = String(condition)): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns === MANY_TURNS) throw new Error(`never: ${what}`);
    await nextTurn();
  }
}

/** 'pending', 'resolved' or 'rejected', once everything on this thread has come to rest. */
export async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'resolved' | 'rejected'> {
  let state: 'pending' | 'resolved' | 'rejected' = 'pending';
  promise.then(
    () => {
      state = 'resolved';
    },
    () => {
      state = 'rejected';
    },
  );
  await settle();
  return state;
}
