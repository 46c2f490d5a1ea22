import type { BenchStore, Engine, EngineSetup, Operation, ThreadStore } from './engine.ts';
import { loadPackage, packageVersion } from './load-package.ts';

/** What is used of lmdb. */
interface Lmdb {
  put(key: Buffer, value: Buffer): Promise<boolean>;
  remove(key: Buffer): Promise<boolean>;
  batch(action: () => void): Promise<unknown>;
  get(key: Buffer): Buffer | undefined;
  getRange(options: object): Iterable<{ readonly key: Buffer; readonly value: Buffer }>;
  close(): Promise<void>;
}

interface LmdbModule {
  open(options: object): Lmdb;
}

type BlockingStore = BenchStore & ThreadStore;

const NAME = 'lmdb';

/**
 * A memory-mapped B+ tree in C: no write buffer, no cache of its own, and reads on the calling thread only. Values belong to the
 * caller, as those of the others do: `getBinaryFast` spares that copy, and overwrites one value with the next.
 */
export const lmdb: Engine = {
  name: NAME,
  kind: 'peer',
  note: 'a B+ tree in mapped memory: pays for order when it writes, and has no cache to fill; gets copy values out of it',
  async load() {
    const module = await loadPackage<LmdbModule>(NAME);
    if (typeof module === 'string') return module;
    return {
      version: packageVersion(NAME),
      configuration: optionsOf,
      open: async (setup) => openStore(module, setup),
    };
  },
  /** Each thread opens the environment; the package has one of them for all. */
  async attach(setup) {
    const module = await loadPackage<LmdbModule>(NAME);
    if (typeof module === 'string') throw new Error(module);
    return openStore(module, setup);
  },
};

function openStore(module: LmdbModule, setup: EngineSetup): BlockingStore {
  return lmdbStore(module.open({ path: setup.location, ...optionsOf(setup) }));
}

/** `noSync` reaches the page cache only, as the others do without `sync`. */
function optionsOf({ sync }: EngineSetup): Readonly<Record<string, unknown>> {
  return { keyEncoding: 'binary', encoding: 'binary', compression: false, noSync: !sync };
}

function lmdbStore(db: Lmdb): BlockingStore {
  const apply = (operation: Operation): void => {
    if (operation.type === 'put') void db.put(operation.key, operation.value);
    else void db.remove(operation.key);
  };
  return {
    put: (key, value) => db.put(key, value),
    del: (key) => db.remove(key),
    batch: (operations) => db.batch(() => operations.forEach(apply)),
    get: async (key) => db.get(key),
    getSync: (key) => db.get(key),
    async scan({ from, reverse = false, limit }, visit) {
      const range = { reverse, ...(from && { start: from }), ...(limit !== undefined && { limit }) };
      for (const { key, value } of db.getRange(range)) visit(key, value);
    },
    // A commit leaves nothing to be done later.
    settle: async () => undefined,
    facts: () => ({}),
    watch: undefined,
    close: () => db.close(),
  };
}
