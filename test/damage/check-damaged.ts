/** Opens a damaged store, reads all of it, and says what it gave. */
import { MemoryStorage } from '@arena-level/common/storage/memory-storage';
import { EngineError, ErrorCode, open, type RecoveryReport, type Store } from 'arena-level/engine';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes, text } from '../support/text-bytes.ts';
import { type Contents, SAMPLE_OPTIONS, type SampleStore } from './sample-store.ts';

export type Files = ReadonlyMap<string, Uint8Array>;

/**
 * `refused`: the open failed. `opened`: it did not; then `states` are those of the sample that agree with all that
 * was read.
 */
export type DamageOutcome =
  | { readonly kind: 'refused'; readonly error: EngineError }
  | {
      readonly kind: 'opened';
      readonly states: readonly number[];
      readonly recovery: RecoveryReport;
      /** Reads that failed. */
      readonly errors: readonly EngineError[];
      /** What `verify` reports. */
      readonly differing: number;
    };

/** Throws when anything happens that is no answer at all: another kind of error, entries out of order. */
export async function openDamaged(sample: SampleStore, files: Files): Promise<DamageOutcome> {
  const storage = new MemoryStorage({ files });
  let store: Store;
  try {
    store = await open(storage.location, SAMPLE_OPTIONS, { storage, clock: new ManualClock() });
  } catch (error) {
    expectNothingChanged(storage, files);
    return { kind: 'refused', error: named(error) };
  }
  const errors: EngineError[] = [];
  const states = sample.states.flatMap((state, index) => (agrees(store, state, errors) ? [index] : []));
  const differing = await countDiffering(store, errors);
  const { recovery } = store;
  await store.close();
  return { kind: 'opened', states, recovery, errors, differing };
}

/** An error that says what is damaged. */
function named(error: unknown): EngineError {
  if (!(error instanceof EngineError) || error.file === undefined || error.code === ErrorCode.Internal) {
    throw new Error(`an error that names no file: ${error instanceof Error ? error.stack : String(error)}`);
  }
  return error;
}

/** Who is refused finds everything as it was: it may be needed for a repair. */
function expectNothingChanged(storage: MemoryStorage, files: Files): void {
  const after = storage.snapshot();
  for (const [name, contents] of files) {
    // A torn end of the side file may be cut: nothing needs it.
    if (name === 'arena.roots') continue;
    const found = after.get(name);
    if (found === undefined || Buffer.compare(found, contents) !== 0)
      throw new Error(`a refused open has changed ${name}`);
  }
}

/** True when every read that succeeds gives what this state holds. */
function agrees(store: Store, state: Contents, errors: EngineError[]): boolean {
  const keys = [...state.keys()].sort();
  return (
    getsAgree(store, state, errors) &&
    iterationAgrees(store, state, keys, false, errors) &&
    iterationAgrees(store, state, keys.reverse(), true, errors)
  );
}

function getsAgree(store: Store, state: Contents, errors: EngineError[]): boolean {
  for (let n = 0; n < 32; n++) {
    const key = `key-${String(n).padStart(2, '0')}`;
    try {
      if (text(store.getSync(bytes(key))) !== state.get(key)) return false;
    } catch (error) {
      errors.push(named(error));
    }
  }
  return true;
}

function iterationAgrees(
  store: Store,
  state: Contents,
  keys: readonly string[],
  reverse: boolean,
  errors: EngineError[],
): boolean {
  let at = 0;
  try {
    for (const [key, value] of store.iterator({ reverse })) {
      const expected = keys[at++];
      if (text(key) !== expected || text(value) !== state.get(expected)) return false;
    }
    return at === keys.length;
  } catch (error) {
    errors.push(named(error));
    return true;
  }
}

async function countDiffering(store: Store, errors: EngineError[]): Promise<number> {
  try {
    return (await store.verify()).differing.length;
  } catch (error) {
    errors.push(named(error));
    return 1;
  }
}
