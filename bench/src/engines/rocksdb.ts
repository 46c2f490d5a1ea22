import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchStore, Engine, EngineSetup } from './engine.ts';
import { type Level, levelStore } from './level-store.ts';
import { loadPackage, packageVersion } from './load-package.ts';

interface RocksLevel extends Omit<Level, 'open'> {
  open(options: object): Promise<void>;
  getProperty(name: string): string;
}

interface RocksModule {
  readonly RocksLevel: new (location: string, options: object) => RocksLevel;
}

const PACKAGE = '@nxtedition/rocksdb';
const POLL_MS = 5;
/** Its level style makes a write buffer of a quarter of the budget. */
const BUFFERS_PER_BUDGET = 4;

/** RocksDB in C++. Its binding writes on the calling thread and has no call that flushes. */
export const rocksdb: Engine = {
  name: 'rocksdb',
  kind: 'peer',
  note: 'RocksDB in C++; writes on the calling thread, settled without what is left in the write buffer',
  lacks: { sync: 'for it has no getSync' },
  async load() {
    const module = await loadPackage<RocksModule>(PACKAGE);
    if (typeof module === 'string') return module;
    return {
      version: packageVersion(PACKAGE),
      configuration: (setup) => ({ ...optionsOf(setup), sync: setup.sync }),
      async open(setup) {
        const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' };
        const level = new module.RocksLevel(setup.location, { ...encodings, ...optionsOf(setup) });
        await level.open({ ...encodings, ...optionsOf(setup) });
        return rocksStore(level, setup.sync);
      },
    };
  },
};

function optionsOf({ cacheBytes, writeBufferBytes }: EngineSetup): object {
  return {
    compaction: 'level',
    memtableMemoryBudget: writeBufferBytes * BUFFERS_PER_BUDGET,
    cacheSize: cacheBytes,
    compression: false,
    walCompression: false,
    parallelism: 2,
  };
}

function rocksStore(level: RocksLevel, sync: boolean): BenchStore {
  // Its abstract-level is of version 1: an absent key is an error.
  const get = async (key: Buffer): Promise<Uint8Array | undefined> => {
    try {
      return await level.get(key);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'LEVEL_NOT_FOUND') return undefined;
      throw error;
    }
  };
  const number = (property: string): number => Number(level.getProperty(`rocksdb.${property}`));
  const isBusy = (): boolean =>
    ['num-running-flushes', 'mem-table-flush-pending', 'num-running-compactions', 'compaction-pending'].some(
      (property) => number(property) > 0,
    );
  return levelStore(level as unknown as Level, {
    sync,
    get,
    async settle() {
      while (isBusy()) await sleep(POLL_MS);
    },
  });
}
